package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
)

const (
	mePath       = "/users/me"
	examplesPath = "/repos/ploomber/doc/zipball/main"
	workflowPath = "/ploomber/cloud-template/main/.github/workflows/ploomber-cloud.yaml"
	jsonType     = "application/json"
	zipType      = "application/zip"
)

// server gives the scripted replies of one step and keeps what it was asked. Safe for concurrent requests.
type server struct {
	http    *httptest.Server
	project func() []string // files that appeared in the project since the step began

	mu      sync.Mutex
	replies []Reply
	given   []bool
	asked   []SeenRequest
}

func serve(replies []Reply, project func() []string) *server {
	s := &server{replies: replies, given: make([]bool, len(replies)), project: project}
	s.http = httptest.NewServer(s)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away; whatever it sent is not a request
	}
	seen := see(r, body)
	if seen.Archive != nil {
		seen.NewFiles = s.project()
	}
	s.mu.Lock()
	reply, ok := s.next(r.Method, r.URL.Path)
	seen.Unscripted = !ok
	s.asked = append(s.asked, seen)
	s.mu.Unlock()
	w.Header().Set("Content-Type", reply.Type)
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // a client that disconnects early is seen by what it does next
}

// next is the first reply that was not given yet; a GET may be asked again and gets the last one again.
func (s *server) next(method, path string) (Reply, bool) {
	last := -1
	for i, r := range s.replies {
		if r.Method != method || r.Path != path {
			continue
		}
		if last = i; !s.given[i] {
			s.given[i] = true
			return r, true
		}
	}
	if last < 0 || method != http.MethodGet {
		return Reply{Status: http.StatusNotFound, Type: jsonType, Body: []byte(`{"detail": "the case has no reply to this"}`)}, false
	}
	return s.replies[last], true
}

// requests ends the server. Asking again who the user is, or for the workflow template, says nothing new and
// is left out.
func (s *server) requests() []SeenRequest {
	s.http.Close()
	var out []SeenRequest
	for _, r := range s.asked {
		again := r.Method == http.MethodGet && (r.Path == mePath || r.Path == workflowPath) &&
			slices.ContainsFunc(out, func(o SeenRequest) bool {
				return o.Path == r.Path && o.Header.Get("Api_key") == r.Header.Get("Api_key")
			})
		if !again {
			out = append(out, r)
		}
	}
	return out
}

// isPlatform reports whether a path belongs to the platform's API; only there the key may go.
func isPlatform(path string) bool {
	return path != examplesPath && path != workflowPath && !strings.HasPrefix(path, "/api/models/")
}
