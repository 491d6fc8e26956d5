package authproxy

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
)

//go:embed pages
var pageFiles embed.FS

// pages are the proxy's own pages. Templates are parsed when the first is shown, so that starting costs nothing.
type pages struct {
	parse func() (*template.Template, error)
}

func newPages(base string) *pages {
	below := func(address string) string { // one of ours; empty for the page itself
		if address == "" {
			return ""
		}
		return base + address
	}
	return &pages{parse: sync.OnceValues(func() (*template.Template, error) {
		return template.New("").Funcs(template.FuncMap{"below": below}).ParseFS(pageFiles, "pages/*.html")
	})}
}

// owner is what whoever runs the app says on every page of ours.
type owner struct{ App, Help string }

func (pol *policy) owner() owner { return owner{pol.config.AppName, pol.config.HelpText} }

// message is a page that says what happened and what to do.
type message struct {
	owner
	Code        int // status
	Title, Text string
	Account     string // whose page it is; empty where it is nobody's
	Detail      string // in the words of somebody else
	Links       []link
	Refresh     int    // seconds after which the browser tries again; 0 never
	RefreshTo   string // address of ours at which it does so; empty for the page itself
}

// link leads on from a page, to an address of ours; an empty one is that of the page itself.
type link struct{ Text, Href string }

// contentPolicy allows our style sheet, icon and form, and nothing else: no script, no frame around the page. Without an
// icon of ours browsers ask for the app's, which is behind the login.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure sets what every answer of our own carries (security classes 17 and 23).
func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer") // the address of a callback holds a code
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
	if name == "login.html" {
		h.Set("Referrer-Policy", "same-origin") // with none at all the form would come from the origin "null"
	}
	answerID(h, r)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out.Bytes())
	}
}

// file is what the pages are made with, which is the same for everybody.
func (pg *pages) file(w http.ResponseWriter, name, contentType string) {
	content, err := pageFiles.ReadFile("pages/" + name)
	if err != nil {
		http.Error(w, "this file cannot be read", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	secure(h)
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(content)
}

// refuse answers in our own name: a page for a browser's page visit, a line of text for everything else. text is
// one of ours and never holds what the visitor sent.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, code int, text string) {
	p.say(w, r, message{Code: code, Title: http.StatusText(code), Text: text})
}

// answerID tells whoever was refused how the request is called in the log.
func answerID(h http.Header, r *http.Request) {
	if id := r.Header[headerRequestID]; len(id) == 1 && isRequestID(id[0]) {
		h[headerRequestID] = id
	}
}

func (p *Proxy) say(w http.ResponseWriter, r *http.Request, m message) {
	if r.ContentLength != 0 { // whoever has read a part may have lifted the limit
		p.hurry(w)
	}
	if navigation.IsPageVisit(r) {
		m.owner = p.policy.Load().owner()
		p.pages.render(w, r, m.Code, "message.html", m)
		return
	}
	text := m.Text + "\n"
	if m.Title != http.StatusText(m.Code) { // a title of ours, which the text goes on from
		text = m.Title + ". " + text
	}
	if m.Detail != "" {
		text += m.Detail + "\n"
	}
	h := w.Header()
	secure(h)
	answerID(h, r)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(m.Code)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text)
	}
}

// retrySoon is after how many seconds a page about a starting app loads itself again.
const retrySoon = 2

func (p *Proxy) showStarting(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(retrySoon))
	p.say(w, r, message{Code: http.StatusServiceUnavailable, Title: "The app is starting", Refresh: retrySoon,
		Text: "This takes a moment. The page loads automatically once the app is ready."})
}

func (p *Proxy) showDown(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, message{Code: http.StatusBadGateway, Title: "The app is down",
		Text:  "It has stopped responding. Try again later; its administrator finds the reason in the log.",
		Links: []link{{"Try again", ""}}})
}
