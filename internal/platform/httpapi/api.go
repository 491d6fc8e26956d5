// Package httpapi is the HTTP API of the platform: that of the hosted service, so that its clients are clients of this
// platform, and our own below /api/v1. It decides who may do what and checks everything that clients send. It must not know how
// apps are built, run or stored: it does its work through the interfaces of Options.
package httpapi

import (
	"crypto/sha256"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Options are what an API works with. All fields are required unless they say otherwise.
type Options struct {
	Users       Users
	Projects    Projects
	Settings    Settings
	Deployments Deployments
	Archives    Archives
	Releases    Releases
	Apps        Apps
	Logs        Logs
	Addresses   Addresses

	Base       string        // URL of this API as clients on this machine know it, such as http://127.0.0.1:8000
	Hosts      []string      // further host names of this API, without port; those of the loopback interface are always accepted
	Version    string        // of the program
	AppsHost   string        // domain of the apps with the port, such as localhost:8080
	Dashboard  string        // base URL
	SleepAfter time.Duration // of projects that do not set it; 0 means never

	OwnerKey func() ([sha256.Size]byte, error) // platform.KeyHash of the owner's key

	Now func() time.Time
	Log *slog.Logger
}

// API is an http.Handler.
type API struct {
	Options
	document []byte // as JSON
	mux      *http.ServeMux
	guesses  *guesses
}

// request is one that has a user.
type request struct {
	*http.Request
	user platform.User // zero if the operation is public
}

// operation answers a request. An error means that nothing has been written yet.
type operation func(*API, http.ResponseWriter, *request) error

// operations are the operations of openapi.yaml by their ID.
func operations() map[string]operation {
	return map[string]operation{
		"getDocument": (*API).getDocument,

		"getUser":        (*API).getUser,
		"listProjects":   (*API).listProjects,
		"createProject":  (*API).createProject,
		"getProject":     (*API).getProject,
		"deleteProject":  (*API).deleteProject,
		"deleteProjects": (*API).deleteProjects,
		"setLabels":      (*API).setLabels,
		"deploy":         (*API).deploy,
		"getJob":         (*API).getJob,
		"getFiles":       (*API).getFiles,
		"getLogs":        (*API).getLogs,
		"startService":   (*API).startService,
		"stopService":    (*API).stopService,

		"getInfo":         (*API).getInfo,
		"getProof":        (*API).getProof,
		"getStatus":       (*API).getStatus,
		"listDeployments": (*API).listDeployments,
		"rollback":        (*API).rollback,
		"getSettings":     (*API).getSettings,
		"changeSettings":  (*API).changeSettings,
		"listSecrets":     (*API).listSecrets,
		"streamLog":       (*API).streamLog,
	}
}

// New returns the API. The error is that of an invalid openapi.yaml.
func New(o Options) (*API, error) {
	document, routes, err := readDocument()
	if err != nil {
		return nil, err
	}
	a := &API{Options: o, document: document, mux: http.NewServeMux(), guesses: newGuesses(o.Now)}
	for _, r := range routes {
		a.mux.HandleFunc(r.pattern(), a.handle(r, operations()[r.operation]))
		if p, ok := strings.CutSuffix(r.path, "/"); ok {
			a.mux.HandleFunc(p, a.otherMethod(methodsOf(routes, p)))
		}
	}
	return a, nil
}

// methodsOf lists the methods of a path.
func methodsOf(routes []route, path string) (methods []string) {
	for _, r := range routes {
		if r.path == path {
			methods = append(methods, r.method)
		}
	}
	slices.Sort(methods)
	return methods
}

// otherMethod answers requests for a path with methods that it does not have, where the mux would redirect to the path with a
// slash at its end: DELETE /projects must not become DELETE /projects/.
func (a *API) otherMethod(allow []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		a.fail(w, r, errMethod)
	}
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer a.recovered(w, r)
	a.allowWrite(w)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if err := a.checkSource(r); err != nil {
		a.fail(w, r, err)
		return
	}
	handler, pattern := a.mux.Handler(r)
	if pattern == "" || !isClean(r.URL.EscapedPath()) { // the mux would redirect the latter
		a.fail(w, r, noRoute(handler, w, r))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// isClean reports whether a path has neither empty segments nor dot segments.
func isClean(p string) bool {
	return path.Clean(p) == p || path.Clean(p)+"/" == p
}

var errMethod = refuse(http.StatusMethodNotAllowed, "Method Not Allowed")

// noRoute returns the error for a request that no route matches: 404, or 405 with an Allow header. unmatched is the handler
// that http.ServeMux has for such requests.
func noRoute(unmatched http.Handler, w http.ResponseWriter, r *http.Request) error {
	p := probe{header: http.Header{}}
	unmatched.ServeHTTP(&p, r)
	if p.status != http.StatusMethodNotAllowed {
		return refuse(http.StatusNotFound, "Not Found")
	}
	w.Header()["Allow"] = p.header["Allow"]
	return errMethod
}

// probe takes the status and the headers of a response, and drops its body.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// handle returns the handler of a route.
func (a *API) handle(route route, op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := &request{Request: r}
		if !route.public {
			user, err := a.authenticate(r)
			if err != nil {
				a.fail(w, r, err)
				return
			}
			q.user = user
		}
		if err := op(a, w, q); err != nil {
			a.fail(w, r, err)
		}
	}
}

func (a *API) recovered(w http.ResponseWriter, r *http.Request) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		a.Log.Error("panic in the API", "method", r.Method, "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
		writeError(w, http.StatusInternalServerError, internalError) // has no effect if the response has begun
	}
}
