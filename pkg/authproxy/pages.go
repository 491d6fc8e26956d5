package authproxy

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"
)

//go:embed pages
var pageFiles embed.FS

// pages are the proxy's own pages. Templates are parsed when the first is shown, so that starting costs nothing.
type pages struct {
	parse func() (*template.Template, error)
}

func newPages() *pages {
	return &pages{parse: sync.OnceValues(func() (*template.Template, error) {
		return template.ParseFS(pageFiles, "pages/*.html")
	})}
}

// message is a page that says what happened and what to do.
type message struct {
	Title, Text string
	Refresh     int // seconds after which the browser tries again; 0 never
}

// contentPolicy allows our style sheet and our form, and nothing else: no script, no frame around the page.
const contentPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure sets what every answer of our own carries (security classes 17 and 23).
func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (pg *pages) login(w http.ResponseWriter, r *http.Request, code int, form loginForm) {
	pg.render(w, r, code, "login.html", form)
}

func (pg *pages) render(w http.ResponseWriter, r *http.Request, code int, name string, data any) {
	var out bytes.Buffer
	templates, err := pg.parse()
	if err == nil {
		err = templates.ExecuteTemplate(&out, name, data)
	}
	if err != nil {
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	secure(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out.Bytes())
	}
}

func (pg *pages) style(w http.ResponseWriter) {
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		http.Error(w, "no style", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	secure(h)
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(css)
}

// refusedRead is how long a refused visitor may take to send the rest of a body that nobody will read.
const refusedRead = 5 * time.Second

// refuse answers in our own name: a page for a browser's page visit, a line of text for everything else. text is
// one of ours and never holds what the visitor sent.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, code int, text string) {
	p.say(w, r, code, message{Title: http.StatusText(code), Text: text})
}

func (p *Proxy) say(w http.ResponseWriter, r *http.Request, code int, m message) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(p.now().Add(refusedRead)) // best effort: some writers have none
	}
	if isPageVisit(r) {
		p.pages.render(w, r, code, "message.html", m)
		return
	}
	h := w.Header()
	secure(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(m.Text)+1))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(m.Text + "\n"))
	}
}

// retrySoon is after how many seconds a page about a starting app loads itself again.
const retrySoon = 2

func (p *Proxy) showStarting(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(retrySoon))
	p.say(w, r, http.StatusServiceUnavailable, message{Title: "The app is starting", Refresh: retrySoon,
		Text: "This takes a moment. The page loads by itself as soon as the app answers."})
}

func (p *Proxy) showDown(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusBadGateway, message{Title: "The app is down",
		Text: "It has stopped answering. Try again in a while; whoever runs it finds the reason in its log."})
}
