package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The keys of the fake's users.
const (
	ownerKey     = "key-of-the-owner"
	communityKey = "key-of-ann"
	teamsKey     = "key-of-bob"
	removedKey   = "key-of-carl"
)

// memory is the rest of the platform: everything that an API needs, without any app.
type memory struct {
	mu          sync.Mutex
	now         func() time.Time
	users       map[string]platform.User // by key
	projects    []platform.Project
	deployments []platform.Deployment // oldest first
	submissions map[string]platform.Submission
	archives    map[string][]byte
	lines       map[string][]Line // by ID of the deployment and kind
	more        chan Line         // what Follow waits for, until it is closed
	fail        error             // of UserByKey
}

func newMemory() *memory {
	m := &memory{
		now: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) },
		users: map[string]platform.User{
			ownerKey:     {ID: "u1", Name: "owner", Tier: platform.Owner},
			communityKey: {ID: "u2", Name: "ann", Tier: platform.Community},
			teamsKey:     {ID: "u3", Name: "bob", Tier: platform.Teams},
		},
		submissions: map[string]platform.Submission{}, archives: map[string][]byte{}, lines: map[string][]Line{},
		more: make(chan Line),
	}
	return m
}

// options are those of an API over m.
func (m *memory) options() Options {
	return Options{
		Users: m, Projects: m, Settings: m, Deployments: m, Archives: m, Releases: m, Apps: m, Logs: m, Addresses: m,
		Base: "http://127.0.0.1:8000", Hosts: []string{"cloud.example"}, Version: "1.2.3", AppsHost: "localhost:8080",
		Dashboard: "http://localhost:3000", SleepAfter: 15 * time.Minute,
		OwnerKey: func() ([sha256.Size]byte, error) { return platform.KeyHash(ownerKey), nil },
		Now:      time.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// serve starts an API over m and returns its URL.
func serve(t *testing.T, m *memory, change ...func(*Options)) string {
	t.Helper()
	o := m.options()
	for _, f := range change {
		f(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.Serve(l, server.Options{Handler: a, Now: time.Now})
	t.Cleanup(s.Close)
	return "http://" + l.Addr().String()
}

func (m *memory) lock() func() { m.mu.Lock(); return m.mu.Unlock }

func missing(what string) error { return fmt.Errorf("%s: %w", what, platform.ErrNotFound) }

func (m *memory) UserByKey(_ context.Context, key string) (platform.User, error) {
	defer m.lock()()
	if m.fail != nil {
		return platform.User{}, m.fail
	}
	u, ok := m.users[key]
	if !ok {
		return u, missing("user")
	}
	return u, nil
}

func (m *memory) Project(_ context.Context, id string) (platform.Project, error) {
	defer m.lock()()
	if p := m.project(id); p != nil {
		return *p, nil
	}
	return platform.Project{}, missing("project")
}

func (m *memory) project(id string) *platform.Project {
	for i := range m.projects {
		if m.projects[i].ID == id {
			return &m.projects[i]
		}
	}
	return nil
}

func (m *memory) Projects(_ context.Context, owner string) (own []platform.Project, err error) {
	defer m.lock()()
	for _, p := range m.projects {
		if p.Owner == owner {
			own = append(own, p)
		}
	}
	return own, nil
}

func (m *memory) CreateProject(ctx context.Context, owner platform.User, t platform.Framework, limit int) (platform.Project, error) {
	own, _ := m.Projects(ctx, owner.ID)
	if limit > 0 && len(own) >= limit {
		return platform.Project{}, platform.ErrLimit
	}
	id, err := platform.NewProjectID(rand.Reader)
	p := platform.Project{ID: id, Owner: owner.ID, Type: t, Created: m.now()}
	defer m.lock()()
	m.projects = append(m.projects, p)
	return p, err
}

func (m *memory) SetLabels(_ context.Context, id string, labels []string) error {
	defer m.lock()()
	m.project(id).Labels = labels
	return nil
}

func (m *memory) SetSleep(_ context.Context, id string, sleep platform.Sleep) error {
	defer m.lock()()
	m.project(id).Sleep = sleep
	return nil
}

func (m *memory) deployment(id string) *platform.Deployment {
	for i := range m.deployments {
		if m.deployments[i].ID == id {
			return &m.deployments[i]
		}
	}
	return nil
}

func (m *memory) Deployment(_ context.Context, id string) (platform.Deployment, error) {
	defer m.lock()()
	if d := m.deployment(id); d != nil {
		return *d, nil
	}
	return platform.Deployment{}, missing("deployment")
}

func (m *memory) Deployments(_ context.Context, project string) (all []platform.Deployment, err error) {
	defer m.lock()()
	for _, d := range slices.Backward(m.deployments) {
		if d.Project == project {
			all = append(all, d)
		}
	}
	return all, nil
}

func (m *memory) Latest(ctx context.Context, project string) (platform.Deployment, error) {
	all, _ := m.Deployments(ctx, project)
	if len(all) == 0 {
		return platform.Deployment{}, missing("deployment")
	}
	return all[0], nil
}

func (m *memory) SecretDigests(_ context.Context, id string) (map[string]string, error) {
	defer m.lock()()
	digests := map[string]string{}
	for _, v := range m.submissions[id].Secrets.Variables {
		sum := sha256.Sum256([]byte(v.Value))
		digests[v.Name] = hex.EncodeToString(sum[:])
	}
	return digests, nil
}

func (m *memory) Receive(_ context.Context, r io.Reader, limit int64) (string, int64, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("receive: %w", err)
	case int64(len(data)) > limit:
		return "", 0, platform.ErrLimit
	case bytes.HasPrefix(data, []byte("full")):
		return "", 0, &platform.Problem{Reason: platform.ReasonDisk, Msg: "write /srv/archives/x: no space left on device"}
	case !bytes.HasPrefix(data, []byte("PK")):
		return "", 0, &platform.Problem{Reason: platform.ReasonArchive, Msg: "it is not a zip"}
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	defer m.lock()()
	m.archives[digest] = data
	return digest, int64(len(data)), nil
}

func (m *memory) Open(digest string) (io.ReadCloser, int64, error) {
	defer m.lock()()
	data, ok := m.archives[digest]
	if !ok {
		return nil, 0, fmt.Errorf("open /srv/archives/%s: no such file", digest)
	}
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}

func (m *memory) Deploy(ctx context.Context, s platform.Submission) (platform.Deployment, error) {
	all, _ := m.Deployments(ctx, s.Project)
	defer m.lock()()
	p := m.project(s.Project)
	if p == nil {
		return platform.Deployment{}, missing("project")
	}
	for _, d := range all {
		if s.Request != "" && m.submissions[d.ID].Request == s.Request {
			if d.Archive != s.Archive {
				return d, platform.ErrExists
			}
			return d, nil
		}
	}
	id, err := platform.NewDeploymentID(rand.Reader)
	d := platform.Deployment{
		ID: id, Project: s.Project, Number: len(all) + 1, Created: m.now(), Release: s.Release,
		Status: platform.Status{State: platform.StateQueued},
	}
	if s.Labels != nil {
		p.Labels = s.Labels
	}
	m.deployments, m.submissions[id] = append(m.deployments, d), s
	return d, err
}

func (m *memory) Rollback(ctx context.Context, project string, number int, by, request string) (platform.Deployment, error) {
	all, _ := m.Deployments(ctx, project)
	for i, d := range all {
		if d.Number == number || number == 0 && i == 1 {
			if d.State == platform.StateFailed {
				return d, platform.ErrState
			}
			s := m.submissions[d.ID]
			s.By, s.Request, s.Repeats = by, request, d.Number
			return m.Deploy(ctx, s)
		}
	}
	return platform.Deployment{}, missing("deployment")
}

// play moves the newest deployment of a project to a state.
func (m *memory) play(project string, state platform.State, problem platform.Cause) {
	d, err := m.Latest(context.Background(), project)
	defer m.lock()()
	if err != nil {
		return
	}
	m.deployment(d.ID).State, m.deployment(d.ID).Problem = state, problem
	if state.Serves() {
		m.project(project).Current = d.ID
	}
}

func (m *memory) Start(_ context.Context, project string) error {
	m.play(project, platform.StateStarting, platform.Cause{})
	return nil
}

func (m *memory) Stop(_ context.Context, project string) error {
	m.play(project, platform.StateStopped, platform.Cause{Reason: platform.ReasonStopped})
	return nil
}

func (m *memory) Delete(_ context.Context, project string) error {
	defer m.lock()()
	m.projects = slices.DeleteFunc(m.projects, func(p platform.Project) bool { return p.ID == project })
	m.deployments = slices.DeleteFunc(m.deployments, func(d platform.Deployment) bool { return d.Project == project })
	return nil
}

func (m *memory) Read(deployment string, kind LogKind, since time.Time) (lines []Line, err error) {
	defer m.lock()()
	for _, l := range m.lines[deployment+string(kind)] {
		if l.Time.After(since) {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

func (m *memory) Watch(ctx context.Context, deployment string, kind LogKind, since time.Time) <-chan Line {
	known, _ := m.Read(deployment, kind, since)
	lines := make(chan Line)
	go func() {
		defer close(lines)
		send := func(l Line) bool {
			select {
			case lines <- l:
				return true
			case <-ctx.Done():
				return false
			}
		}
		for _, l := range known {
			if !send(l) {
				return
			}
		}
		for {
			select {
			case l, open := <-m.more:
				if !open || !send(l) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func (m *memory) AppURL(project string) string { return "http://" + project + ".localhost:8080" }

func (m *memory) DashboardURL(project, deployment string) string {
	return strings.TrimSuffix("http://localhost:3000/applications/"+project+"/"+deployment, "/")
}

func (m *memory) DataSize(string) (int64, error) { return 4096, nil }

// log adds lines to a log, a millisecond apart, the first at the time of m.
func (m *memory) log(deployment string, kind LogKind, texts ...string) {
	defer m.lock()()
	for i, text := range texts {
		m.lines[deployment+string(kind)] = append(m.lines[deployment+string(kind)],
			Line{Time: m.now().Add(time.Duration(i) * time.Millisecond), Text: text})
	}
}

// send sends a request with a key and returns the status and the body of the response.
func send(t *testing.T, method, url, key string, body io.Reader, header ...string) (int, string) {
	t.Helper()
	resp, text := receive(t, method, url, key, body, header...)
	return resp.StatusCode, string(text)
}

// receive is send with the whole response.
func receive(t *testing.T, method, url, key string, body io.Reader, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("api_key", key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return resp, data
}
