package fakecloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// OwnPlatform gives the cloud the API below /api/v1, which a platform of one's own has beside the other.
func (c *Cloud) OwnPlatform() { c.set(func() { c.own = true }) }

// Dashboard is the dashboard of a platform of one's own.
const Dashboard = "http://board.example.test"

// public answers what needs no key, and reports whether it was that.
func (c *Cloud) public(w http.ResponseWriter, r *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.own {
		return false
	}
	switch r.URL.Path {
	case "/api/v1/info":
		reply(w, map[string]string{"version": "1.0.0", "dashboard": Dashboard, "apps": "localhost:8080"})
	case "/api/v1/proof":
		hashed := sha256.Sum256([]byte(c.key))
		mac := hmac.New(sha256.New, hashed[:])
		_, _ = io.WriteString(mac, "ploomber-cloud platform proof\n"+c.api.URL+"\n"+r.URL.Query().Get("nonce"))
		reply(w, map[string]string{"proof": base64.RawURLEncoding.EncodeToString(mac.Sum(nil))})
	default:
		return false
	}
	return true
}

// ownAnswer is the API below /api/v1/projects/{id}. The lock is held.
func (c *Cloud) ownAnswer(w http.ResponseWriter, r *http.Request, parts []string) {
	p := c.find(parts[0])
	if p == nil {
		refuse(w, http.StatusNotFound, "Project with id "+parts[0]+" was not found")
		return
	}
	switch what := strings.Join(append([]string{r.Method}, parts[1:]...), " "); what {
	case "GET":
		state := map[string]any{
			"id": p.ID, "name": p.Name, "type": p.Type, "owner": "ann", "state": "", "reason": "", "detail": []string{}, "next_step": "",
			"url": "http://" + p.ID + ".localhost:8080", "dashboard": Dashboard + "/applications/" + p.ID,
			"deployment": len(p.Jobs), "sleep_after": p.sleep(), "data_bytes": 4096, "created": "2026-11-30T10:00:00Z",
		}
		if len(p.Jobs) > 0 {
			c.jobs[p.Jobs[0]].explain(state)
		}
		reply(w, state)
	case "GET deployments":
		reply(w, map[string]any{"deployments": c.history(p)})
	case "POST rollback":
		c.rollback(w, r, p)
	case "PATCH settings":
		var change struct {
			SleepAfter string `json:"sleep_after"`
		}
		if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
			refuse(w, http.StatusUnprocessableEntity, "the body is not JSON")
			return
		}
		p.SleepAfter = change.SleepAfter
		reply(w, map[string]string{"sleep_after": p.sleep()})
	case "GET settings":
		reply(w, map[string]string{"sleep_after": p.sleep()})
	case "GET secrets":
		list := []map[string]string{}
		for _, name := range p.Secrets {
			list = append(list, map[string]string{"name": name, "digest": "digest-of-" + name})
		}
		reply(w, map[string]any{"secrets": list})
	default:
		refuse(w, http.StatusNotFound, "there is no such place: "+what)
	}
}

func (p *Project) sleep() string {
	if p.SleepAfter == "" {
		return "15m0s"
	}
	return p.SleepAfter
}

// state is the state of a job in the words of a platform of one's own.
func (j *Job) state() string {
	switch status := j.Statuses[0]; status {
	case "pending":
		return "building"
	case "docker-failed":
		return "failed"
	default:
		return status
	}
}

// explain adds the state of the job, and why it does not run.
func (j *Job) explain(to map[string]any) {
	to["state"], to["reason"], to["next_step"] = j.state(), j.Reason, j.NextStep
	if j.State != "" {
		to["state"] = j.State
	}
	to["detail"] = append([]string{}, j.Detail...)
}

func (c *Cloud) history(p *Project) []map[string]any {
	list := []map[string]any{}
	for i, id := range p.Jobs {
		j := c.jobs[id]
		list = append(list, map[string]any{
			"number": len(p.Jobs) - i, "id": id, "created": fmt.Sprintf("2026-11-30T10:%02d:00Z", len(p.Jobs)-i), "by": "ann",
			"state": j.state(), "reason": j.Reason, "message": j.Message, "size": 2048, "current": i == 0,
		})
	}
	return list
}

func (c *Cloud) rollback(w http.ResponseWriter, r *http.Request, p *Project) {
	var to struct{ Number int }
	if err := json.NewDecoder(r.Body).Decode(&to); err != nil {
		refuse(w, http.StatusUnprocessableEntity, "the body is not JSON")
		return
	}
	if to.Number == 0 {
		to.Number = len(p.Jobs) - 1
	}
	if to.Number < 1 || to.Number > len(p.Jobs) {
		refuse(w, http.StatusConflict, "there is no deployment "+strconv.Itoa(to.Number)+" to return to")
		return
	}
	c.addJob(p, r, fmt.Sprintf("rollback to %d", to.Number))
	reply(w, c.history(p)[0])
}

// addJob makes the newest deployment of a project. The same idempotency key makes it once.
func (c *Cloud) addJob(p *Project, r *http.Request, message string) (id string) {
	key := r.Header.Get("Idempotency-Key")
	if id, known := c.carriedOut[key]; known && key != "" {
		return id
	}
	c.started++
	id = fmt.Sprintf("job-%d", c.started)
	statuses := c.fates
	if len(statuses) == 0 {
		statuses = []string{"pending", "running"}
	}
	j := c.jobs[id]
	if j == nil { // else the test has prepared it
		j = &Job{}
		c.jobs[id] = j
	}
	j.Statuses, j.Build, j.App, j.Message = slices.Clone(statuses), "built\n", "served\n", message
	p.Jobs = append([]string{id}, p.Jobs...)
	c.carriedOut[key] = id
	return id
}

// EndStreams ends the log streams that are open.
func (c *Cloud) EndStreams() {
	c.set(func() { c.streams++ })
}

// streamOf returns the project whose log is asked for with the right key.
func (c *Cloud) streamOf(r *http.Request) (projectID string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	path, isOwn := strings.CutPrefix(r.URL.Path, "/api/v1/projects/")
	projectID, isLog := strings.CutSuffix(path, "/logs")
	return projectID, c.own && isOwn && isLog && r.Header.Get("api_key") == c.key && c.find(projectID) != nil
}

// stream sends a log of the newest job line by line, for as long as the client wants.
func (c *Cloud) stream(w http.ResponseWriter, r *http.Request, projectID string) {
	w.Header().Set("Content-Type", "text/event-stream")
	at, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	for begun := -1; ; {
		c.mu.Lock()
		var lines []string
		if p := c.find(projectID); p != nil && len(p.Jobs) > 0 {
			text := c.jobs[p.Jobs[0]].App
			if r.URL.Query().Get("type") == "build" {
				text = c.jobs[p.Jobs[0]].Build
			}
			lines = strings.Split(text, "\n")
			lines = lines[:len(lines)-1] // a line ends with a line break
		}
		changed, streams := c.changed, c.streams
		c.mu.Unlock()
		if begun < 0 {
			begun = streams
		}
		if streams != begun {
			return
		}
		for ; at < len(lines); at++ {
			_, _ = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", at+1, lines[at]) // a client that disconnects is seen below
		}
		if r.URL.Query().Get("follow") == "" {
			return
		}
		_ = http.NewResponseController(w).Flush() // as above
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-c.closed:
			return
		}
	}
}
