// Package pages writes the proxy's own responses: the login page, messages, redirects, and the style sheet and icon of the
// pages. It does not know why a response is sent.
package pages

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
)

//go:embed templates static
var files embed.FS

// Templates are the pages without content. All proxies of a process can share them; they are parsed when the first page
// is shown, so that starting costs nothing.
type Templates struct {
	parse func() (*template.Template, error)
}

// NewTemplates returns the templates.
func NewTemplates() *Templates {
	return &Templates{parse: sync.OnceValues(func() (*template.Template, error) {
		return template.New("").ParseFS(files, "templates/*.html")
	})}
}

// Owner is what the app's owner puts on every page, as plain text: the name of the app, and how to get help.
type Owner struct{ App, Help string }

// Pages are the pages of one proxy. It is safe for concurrent use.
type Pages struct {
	templates *Templates
	base      string
	now       func() time.Time
	owner     atomic.Pointer[Owner]
}

// New returns the pages of an app at a base path, which is empty for a whole host.
func New(t *Templates, base string, now func() time.Time) *Pages {
	pg := &Pages{templates: t, base: base, now: now}
	pg.SetOwner(Owner{})
	return pg
}

// SetOwner replaces the texts of the app's owner.
func (pg *Pages) SetOwner(o Owner) { pg.owner.Store(&o) }

// Message is a page that says what happened and what to do.
type Message struct {
	Code        int // status
	Title, Text string
	Account     string // that the page is about; may be empty
	Detail      string // in the provider's words
	Links       []Link
	Refresh     int    // seconds after which the browser tries again; 0 never
	RefreshTo   string // address of ours at which it does so; empty for the page itself
}

// Link leads to an address of the proxy or the app, without the base path; an empty one is the page itself.
type Link struct{ Text, Href string }

// LoginForm is what the login page shows.
type LoginForm struct{ Token, Next, Username, Problem string }

// view is what a template gets. The content is a Message or a LoginForm.
type view struct {
	Owner
	Content any
	base    string
}

// Below puts the base path in front of an address; an empty one, which means the page itself, stays empty.
func (v view) Below(address string) string {
	if address == "" {
		return ""
	}
	return v.base + address
}

// Say responds with m: as a page if a browser opens one, else as a line of text. Only Account and Detail may hold what a
// client has sent.
func (pg *Pages) Say(w http.ResponseWriter, r *http.Request, m Message) {
	if r.ContentLength != 0 { // reading a part of the body may have lifted the limit
		LimitUnreadBody(w, pg.now())
	}
	if navigation.IsPageVisit(r) {
		pg.render(w, r, m.Code, "message.html", m)
		return
	}
	text := m.Text + "\n"
	if m.Title != http.StatusText(m.Code) { // the text continues a title of our own
		text = m.Title + ". " + text
	}
	if m.Detail != "" {
		text += m.Detail + "\n"
	}
	h := w.Header()
	Secure(h)
	requestid.Tell(h, r.Header)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(m.Code)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, text)
	}
}

// Refuse is Say with a single sentence.
func (pg *Pages) Refuse(w http.ResponseWriter, r *http.Request, code int, text string) {
	pg.Say(w, r, Message{Code: code, Title: http.StatusText(code), Text: text})
}

// Login shows the login page.
func (pg *Pages) Login(w http.ResponseWriter, r *http.Request, code int, form LoginForm) {
	pg.render(w, r, code, "login.html", form)
}

// Choice shows the links of m as the providers to choose from.
func (pg *Pages) Choice(w http.ResponseWriter, r *http.Request, m Message) {
	pg.render(w, r, m.Code, "choice.html", m)
}

// retrySoon is the number of seconds after which the page about a starting app loads itself again.
const retrySoon = 2

// Starting says that the app does not accept connections yet.
func (pg *Pages) Starting(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(retrySoon))
	pg.Say(w, r, Message{Code: http.StatusServiceUnavailable, Title: "The app is starting", Refresh: retrySoon,
		Text: "This takes a moment. The page loads automatically once the app is ready."})
}

// Down says that the app no longer accepts connections.
func (pg *Pages) Down(w http.ResponseWriter, r *http.Request) {
	pg.Say(w, r, Message{Code: http.StatusBadGateway, Title: "The app is down",
		Text:  "It has stopped responding. Try again later; its administrator can find the reason in the log.",
		Links: []Link{{"Try again", ""}}})
}

func (pg *Pages) render(w http.ResponseWriter, r *http.Request, code int, name string, content any) {
	var out bytes.Buffer
	templates, err := pg.templates.parse()
	if err == nil {
		err = templates.ExecuteTemplate(&out, name, view{*pg.owner.Load(), content, pg.base})
	}
	if err != nil {
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	Secure(h)
	if name == "login.html" {
		h.Set("Referrer-Policy", "same-origin") // with none at all the form would come from the origin "null"
	}
	requestid.Tell(h, r.Header)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(out.Bytes())
	}
}

// Style serves the style sheet of the pages.
func (pg *Pages) Style(w http.ResponseWriter) { serve(w, "style.css", "text/css; charset=utf-8") }

// Icon serves the icon of the pages. Without it browsers ask for the app's, which is behind the login.
func (pg *Pages) Icon(w http.ResponseWriter) { serve(w, "icon.svg", "image/svg+xml") }

func serve(w http.ResponseWriter, name, contentType string) {
	content, err := files.ReadFile("static/" + name)
	if err != nil {
		http.Error(w, "this file cannot be read", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	Secure(h)
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(content)
}

// contentPolicy allows our style sheet, icon and form, and nothing else: no script, no frame around the page.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Secure sets the headers that every response of the proxy's own has (security classes 17 and 23).
func Secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer") // the address of a callback holds a code
	h.Set("Cache-Control", "no-store")
}

// unreadBody is how long a client may take to send the rest of a body that nobody will read.
const unreadBody = 5 * time.Second

// LimitUnreadBody gives the client a short time, from now on, for the rest of a body that nobody will read.
func LimitUnreadBody(w http.ResponseWriter, now time.Time) {
	_ = http.NewResponseController(w).SetReadDeadline(now.Add(unreadBody)) // best effort: some writers have no deadlines
}
