// Package fakecloud is the platform in memory, for tests of the program: the API on a real listener, with the
// user's tier, the fate of each deployment and every fault of the network in the hands of the test. It must not
// know the product's own client: what it accepts and answers is written down here a second time.
package fakecloud

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

// Cloud is one platform, together with the other hosts that the program asks: those of the examples, the workflow
// template and the models. All methods are safe for concurrent use.
type Cloud struct {
	api, web *httptest.Server
	closed   chan struct{}

	mu          sync.Mutex
	key, tier   string
	projects    []*Project
	jobs        map[string]*Job
	created     int
	fates       []string // statuses of the next deployments, one look after the other
	deployments []Deployment
	seen, asked []Request // all, and those since the last call of Requests
	faults      []*Fault
	pages       map[string]page // of the other hosts, by path
	observe     func(Request)

	own        bool              // has the API below /api/v1 too
	started    int               // jobs so far
	carriedOut map[string]string // job by idempotency key
	changed    chan struct{}     // closed at the next change by the test
	streams    int               // counts how often the open log streams have been ended
}

// A Project is one project of the user.
type Project struct {
	ID, Name, Type  string
	Labels, Secrets []string
	Jobs            []string // ids, newest first
	Files           []byte   // the archive that the platform would send; nil for none
	CPU, RAM, GPU   string   // of the newest job, as the platform writes them
	Auth, Analytics bool     // protected
	SleepAfter      string   // setting of a platform of one's own; "" is its default
}

// A Job is one deployment. Each look takes the next status; the last one stays.
type Job struct {
	Statuses   []string
	Build, App string // logs

	// On a platform of one's own:
	State, Reason, NextStep, Message string // State "" follows from the status
	Detail                           []string
}

// A Request is one that arrived, on the platform or on another host.
type Request struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
	Elsewhere           bool // not on the platform
}

func (r Request) String() string {
	line := r.Method + " " + r.Path
	if r.Query != "" && r.Path != "/api/v1/proof" { // that one is random
		line += "?" + r.Query
	}
	return line
}

// page is what another host answers.
type page struct {
	status int
	body   []byte
}

// Start opens a platform that knows one key and has no project.
func Start(key string) *Cloud {
	c := &Cloud{key: key, tier: "pro", jobs: map[string]*Job{}, pages: map[string]page{}, closed: make(chan struct{}),
		carriedOut: map[string]string{}, changed: make(chan struct{})}
	c.api = httptest.NewServer(http.HandlerFunc(c.serveAPI))
	c.web = httptest.NewServer(http.HandlerFunc(c.serveWeb))
	return c
}

// Close ends the listeners, with all connections.
func (c *Cloud) Close() {
	close(c.closed)
	for _, s := range []*httptest.Server{c.api, c.web} {
		s.CloseClientConnections()
		s.Close()
	}
}

// URL is the base of the platform's API.
func (c *Cloud) URL() string { return c.api.URL }

// Environ is what makes the program talk to this platform and to no other host.
func (c *Cloud) Environ() []string {
	return []string{
		"PLOOMBER_CLOUD_KEY=" + c.key,
		"PLOOMBER_CLOUD_API_URL=" + c.api.URL,
		"PLOOMBER_CLOUD_EXAMPLES_URL=" + c.web.URL + "/examples.zip",
		"PLOOMBER_CLOUD_WORKFLOW_URL=" + c.web.URL + "/workflow.yaml",
		"PLOOMBER_CLOUD_HF_URL=" + c.web.URL,
		"PLOOMBER_CLOUD_POLL_INTERVAL=0.02",
		"_PLOOMBER_CLOUD_ENV=local",
	}
}

// Handler is the platform's API, for a test with a listener of its own.
func (c *Cloud) Handler() http.Handler { return http.HandlerFunc(c.serveAPI) }

func (c *Cloud) serveAPI(w http.ResponseWriter, r *http.Request) {
	fault := c.fault(r)
	if fault != nil && fault.unread() {
		c.note(Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header})
		fault.apply(w, r, c.closed)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	c.note(Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header, Body: body})
	if fault != nil {
		fault.apply(w, r, c.closed)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if c.public(w, r) {
		return
	}
	if project, ok := c.streamOf(r); ok {
		c.stream(w, r, project)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Header.Get("api_key") != c.key {
		refuse(w, http.StatusUnauthorized, "the key is not known")
		return
	}
	c.answer(w, r)
}

// serveWeb is every host that is not the platform.
func (c *Cloud) serveWeb(w http.ResponseWriter, r *http.Request) {
	seen := Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header, Elsewhere: true}
	c.note(seen)
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.pages[r.URL.Path]
	if !ok {
		p = page{http.StatusNotFound, []byte(`{"error": "not found"}`)}
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(p.body) // a client that disconnects is seen by what it does next
}

func (c *Cloud) note(r Request) {
	c.mu.Lock()
	c.seen, c.asked = append(c.seen, r), append(c.asked, r)
	observe := c.observe
	c.mu.Unlock()
	if observe != nil {
		observe(r)
	}
}

// Observe makes f hear of every request before it is answered.
func (c *Cloud) Observe(f func(Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observe = f
}

// Requests returns what was asked since the last call.
func (c *Cloud) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

// Seen returns every request since the start.
func (c *Cloud) Seen() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.seen)
}

// SetKey changes the one key that is accepted.
func (c *Cloud) SetKey(key string) { c.set(func() { c.key = key }) }

// SetTier changes the user's tier.
func (c *Cloud) SetTier(tier string) { c.set(func() { c.tier = tier }) }

// SetFate decides the statuses of deployments that come, one for each look; the last one stays.
func (c *Cloud) SetFate(statuses ...string) { c.set(func() { c.fates = statuses }) }

// SetPage decides what another host answers at a path.
func (c *Cloud) SetPage(path string, status int, body []byte) {
	c.set(func() { c.pages[path] = page{status, body} })
}

// AddProject gives the user one more project.
func (c *Cloud) AddProject(p Project) {
	c.set(func() {
		if p.Name == "" {
			p.Name = p.ID
		}
		c.projects = append(c.projects, &p)
		for _, id := range p.Jobs {
			if c.jobs[id] == nil {
				c.jobs[id] = &Job{Statuses: []string{"running"}}
			}
		}
	})
}

// EditJob changes a job, which is made where there is none of that id.
func (c *Cloud) EditJob(id string, edit func(*Job)) {
	c.set(func() {
		if c.jobs[id] == nil {
			c.jobs[id] = &Job{Statuses: []string{"running"}}
		}
		edit(c.jobs[id])
	})
}

func (c *Cloud) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Cloud) find(id string) *Project {
	i := slices.IndexFunc(c.projects, func(p *Project) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return c.projects[i]
}

// projectOf is the id of the project that a job belongs to.
func (c *Cloud) projectOf(job string) string {
	for _, p := range c.projects {
		if slices.Contains(p.Jobs, job) {
			return p.ID
		}
	}
	return ""
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that disconnects is seen by what it does next
}

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": detail}) // as above
}

// Host returns the host and port of a URL of the platform.
func (c *Cloud) Host() string { return strings.TrimPrefix(c.api.URL, "http://") }
