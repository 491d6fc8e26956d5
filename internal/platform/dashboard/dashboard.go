// Package dashboard serves pages on which users see their projects: what state each is in and why, its deployments and its logs. It
// is read-only, and works without scripts. It does not know where any of this comes from.
package dashboard

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
)

// Users finds users by their API keys.
type Users interface {
	// UserByKey returns an error that wraps platform.ErrNotFound if nobody has the key.
	UserByKey(ctx context.Context, key string) (platform.User, error)
}

// Projects has the projects.
type Projects interface {
	// Project returns an error that wraps platform.ErrNotFound for an unknown ID.
	Project(ctx context.Context, id string) (platform.Project, error)
	Projects(ctx context.Context, ownerID string) ([]platform.Project, error) // "" for those of all users
}

// Deployments has the deployments of projects.
type Deployments interface {
	// LatestOf returns the newest deployment of each project of a user, or of all with "", by the project's ID.
	LatestOf(ctx context.Context, ownerID string) (map[string]platform.Deployment, error)
	Deployments(ctx context.Context, projectID string) ([]platform.Deployment, error) // newest first
}

// Logs has the logs of deployments, whose lines begin with the time. A log that does not exist has no lines.
type Logs interface {
	BuildLog(d platform.Deployment, last int) ([]string, error) // the last lines, oldest first
	AppLog(d platform.Deployment, last int) ([]string, error)
}

// Options of a dashboard.
type Options struct {
	Users       Users
	Projects    Projects
	Deployments Deployments
	Logs        Logs
	AppURL      func(projectID string) string
	Hosts       []string // host names of the dashboard, besides those of loopback
	Secure      bool     // it is served by TLS
	Now         func() time.Time
	Random      io.Reader    // for the IDs of sessions
	Log         *slog.Logger // gets errors of the platform
}

//go:embed templates static
var files embed.FS

type dashboard struct {
	Options
	templates *template.Template
	logins    *logins
}

// New returns the handler of a dashboard.
func New(o Options) (http.Handler, error) {
	d := &dashboard{Options: o, logins: newLogins(o)}
	templates, err := template.New("").Funcs(template.FuncMap{"clean": clean, "utc": utc, "size": size}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	d.templates = templates
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.withUser(d.list))
	mux.HandleFunc("GET /applications/{project}", d.withUser(d.project))
	mux.HandleFunc("GET /applications/{project}/{job}", d.withUser(d.project))
	mux.HandleFunc("POST /login", d.login)
	mux.HandleFunc("POST /logout", d.logout)
	mux.HandleFunc("GET /style.css", static("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", static("icon.svg", "image/svg+xml"))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		d.message(w, http.StatusNotFound, "There is no such page.")
	})
	return d.guard(http.NewCrossOriginProtection().Handler(mux)), nil
}

// guard sets the headers of every response, and refuses requests for another host: a page elsewhere whose host name suddenly leads
// to this machine (DNS rebinding) would read what its users may see.
func (d *dashboard) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.Secure(w.Header())
		// With no referrer at all, some browsers say that our forms come from the origin "null".
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		if !d.servesHost(r.Host) {
			d.message(w, http.StatusBadRequest, "Invalid Host header.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (d *dashboard) servesHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" {
		return true
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return true
	}
	return slices.ContainsFunc(d.Hosts, func(own string) bool { return strings.EqualFold(own, host) })
}

// static serves a file that is the same for everyone.
func static(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := files.ReadFile("static/" + name)
		if err != nil {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(content) // the client has gone
	}
}

// page is what a template gets.
type page struct {
	Title   string
	User    string // name of the user that is logged in; "" if nobody is
	Content any
	Refresh int // seconds after which the browser loads the page again; 0 never
}

func (d *dashboard) render(w http.ResponseWriter, code int, name string, p page) {
	var out bytes.Buffer
	if err := d.templates.ExecuteTemplate(&out, name, p); err != nil {
		d.Log.Error("dashboard page failed", slog.String("error", err.Error()))
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes()) // the client has gone
}

// message is a page with one sentence.
func (d *dashboard) message(w http.ResponseWriter, code int, text string) {
	d.render(w, code, "message.html", page{Title: http.StatusText(code), Content: text})
}

// failed responds to a request that could not be answered.
func (d *dashboard) failed(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, platform.ErrNotFound):
		d.message(w, http.StatusNotFound, "There is no such project or deployment, or it belongs to another user.")
	case r.Context().Err() != nil: // the client has gone
	default:
		d.Log.Error("dashboard request failed", slog.String("error", err.Error()))
		d.message(w, http.StatusInternalServerError, "The platform could not answer. Its log has the reason.")
	}
}
