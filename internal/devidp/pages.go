package devidp

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"sync"
)

//go:embed pages
var pageFiles embed.FS

// pages are parsed on first use, to keep start-up fast.
type pages struct {
	parse func() (*template.Template, error)
}

// choice is the page for choosing a user.
type choice struct {
	ID, App        string // of the request; the application's origin
	People         []person
	Problem, Typed string
}

type person struct{ Email, Name, Groups string }

type message struct{ Title, Text string }

func newPages() *pages {
	return &pages{parse: sync.OnceValues(func() (*template.Template, error) {
		return template.ParseFS(pageFiles, "pages/*.html")
	})}
}

// show writes a page. Browsers also apply form-action to the target of a redirect after a form, so it must include
// the application's origin.
func (p *pages) show(w http.ResponseWriter, status int, name, app string, data any) {
	var out bytes.Buffer
	templates, err := p.parse()
	if err == nil {
		err = templates.ExecuteTemplate(&out, name, data)
	}
	if err != nil {
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' "+app+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// file serves the static files of the pages.
func (p *pages) file(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := pageFiles.ReadFile("pages/" + name)
		if err != nil {
			http.Error(w, "this file cannot be read", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content)
	}
}
