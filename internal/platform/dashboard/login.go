package dashboard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

const (
	sessionTime  = 12 * time.Hour
	maxSessions  = 10_000
	maxForm      = 4 << 10 // bytes
	maxKey       = 200     // bytes
	maxGuesses   = 10      // wrong keys that an address may send within guessTime
	guessTime    = time.Minute
	maxAddresses = 10_000 // that are remembered for their wrong keys
)

// logins are the sessions of users, in memory, and the wrong keys of late.
type logins struct {
	random   io.Reader
	now      func() time.Time
	name     string // of the cookie
	secure   bool
	sessions *expiring.Map[string, string] // ID -> API key, so that a session ends with its key

	mu      sync.Mutex
	guesses *expiring.Map[netip.Prefix, int] // wrong keys by address
}

func newLogins(o Options) *logins {
	l := &logins{
		random: o.Random, now: o.Now, name: "ploomber_dashboard", secure: o.Secure,
		sessions: expiring.New[string, string](maxSessions), guesses: expiring.New[netip.Prefix, int](maxAddresses),
	}
	if l.secure {
		l.name = "__Host-" + l.name // cannot be set by another host of the same domain
	}
	return l
}

// withUser lets requests of users who are logged in through; everyone else gets the login form.
func (d *dashboard) withUser(next func(http.ResponseWriter, *http.Request, platform.User)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, ok := d.logins.key(r)
		if !ok {
			d.loginForm(w, http.StatusUnauthorized, r.URL.Path, "")
			return
		}
		user, err := d.Users.UserByKey(r.Context(), key)
		switch {
		case errors.Is(err, platform.ErrNotFound): // the key was replaced, or the user removed
			d.loginForm(w, http.StatusUnauthorized, r.URL.Path, "")
		case err != nil:
			d.failed(w, r, err)
		default:
			next(w, r, user)
		}
	}
}

// key returns the API key that the session of a request was begun with.
func (l *logins) key(r *http.Request) (string, bool) {
	c, err := r.Cookie(l.name)
	if err != nil {
		return "", false
	}
	return l.sessions.Get(c.Value, l.now())
}

// form is what the login page shows.
type form struct{ Next, Problem string }

func (d *dashboard) loginForm(w http.ResponseWriter, code int, next, problem string) {
	d.render(w, code, "login.html", page{Title: "Log in", Content: form{Next: safeNext(next), Problem: problem}})
}

// safeNext returns the page of a project to go to after the login, or the list if next is anything else.
func safeNext(next string) string {
	rest, ok := strings.CutPrefix(next, "/applications/")
	project, job, hasJob := strings.Cut(rest, "/")
	if ok && platform.ValidProjectID(project) && (!hasJob || platform.ValidDeploymentID(job)) {
		return next
	}
	return "/"
}

// login begins a session.
func (d *dashboard) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		d.message(w, http.StatusBadRequest, "The form is not valid.")
		return
	}
	key, next, from := strings.TrimSpace(r.PostForm.Get("key")), r.PostForm.Get("next"), addressOf(r)
	if d.logins.guessed(from) >= maxGuesses {
		w.Header().Set("Retry-After", strconv.Itoa(int(guessTime/time.Second)))
		d.loginForm(w, http.StatusTooManyRequests, next, "Too many wrong keys. Try again in a minute.")
		return
	}
	var err error
	if len(key) > maxKey {
		err = platform.ErrNotFound
	} else {
		_, err = d.Users.UserByKey(r.Context(), key)
	}
	switch {
	case errors.Is(err, platform.ErrNotFound):
		d.logins.wrong(from)
		d.loginForm(w, http.StatusUnauthorized, next, "This API key is not valid.")
		return
	case err != nil:
		d.failed(w, r, err)
		return
	}
	if err := d.logins.begin(w, r, key); err != nil {
		d.failed(w, r, err)
		return
	}
	http.Redirect(w, r, safeNext(next), http.StatusSeeOther)
}

// begin begins a session and ends the one that the browser had.
func (l *logins) begin(w http.ResponseWriter, r *http.Request, key string) error {
	var b [32]byte
	if _, err := io.ReadFull(l.random, b[:]); err != nil {
		return fmt.Errorf("generate the ID of a session: %w", err)
	}
	l.end(r)
	id := base64.RawURLEncoding.EncodeToString(b[:])
	l.sessions.Put(id, key, l.now(), sessionTime)
	l.setCookie(w, id, int(sessionTime/time.Second))
	return nil
}

func (l *logins) end(r *http.Request) {
	if c, err := r.Cookie(l.name); err == nil {
		l.sessions.Delete(c.Value)
	}
}

func (l *logins) setCookie(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: l.name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: l.secure, SameSite: http.SameSiteStrictMode,
	})
}

func (d *dashboard) logout(w http.ResponseWriter, r *http.Request) {
	d.logins.end(r)
	d.logins.setCookie(w, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// guessed returns how many wrong keys an address has sent of late.
func (l *logins) guessed(from netip.Prefix) int {
	n, _ := l.guesses.Get(from, l.now())
	return n
}

func (l *logins) wrong(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guesses.Put(from, l.guessed(from)+1, l.now(), guessTime)
}

// addressOf returns the network that a client belongs to: a whole IPv6 one, since a single client has many addresses.
func addressOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
