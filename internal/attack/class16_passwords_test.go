package attack

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Security class 16: what is right opens, and nothing that resembles it.
func TestClass16PasswordsMatch(t *testing.T) {
	t.Parallel()
	long := "canary-" + strings.Repeat("0123456789", 9) // 97 bytes: bcrypt itself reads 72
	for kind, login := range map[string][2]string{
		"plain": {user, pass}, "long": {user, long}, "colon in the name": {"ann:b", pass}, "not ASCII": {"zoë", "canary-pässword-ß"}, "odd": {"a b\"c", `canary " \ % $ ' & < ü 漢 😀`}, "one": {"a", "canary:"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newApp(t)
			name, word := login[0], login[1]
			p := start(t, a.url, []string{"username_main_app=" + name, "password_main_app=" + word, "AUTH_TRUSTED_PROXIES=127.0.0.1"})
			guess := 0
			try := func(name, word string) reply { // each from an address of its own, so that none is locked
				guess++
				return p.raw(p.head("GET", "/x", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+word)), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", guess)) + "\r\n")
			}
			wantApp(t, "right", try(name, word))
			for what, pair := range map[string][2]string{
				"longer": {name, word + "x"}, "shorter": {name, word[:len(word)-1]}, "NUL behind": {name, word + "\x00"}, "NUL and more": {name, word + "\x00x"}, "empty": {name, ""}, "space behind": {name, word + " "},
				"space in front": {name, " " + word}, "other case": {name, strings.ToUpper(word)}, "line behind": {name, word + "\n"}, "name longer": {name + "x", word}, "name empty": {"", word},
				"name in other case": {strings.ToUpper(name), word}, "exchanged": {word, name}, "name with NUL": {name + "\x00", word}, "first 72": {name, (word + strings.Repeat("x", 72))[:72]},
				"72 and others": {name, (word + strings.Repeat("x", 72))[:72] + "different"}, "not UTF-8": {name, word + "\xff"}, "name not UTF-8": {name + "\xff", word}, "huge": {name, strings.Repeat("x", 5000)},
			} {
				if kind != "long" && guess > 8 { // a guess costs a hash, so one kind of password tries them all
					break
				}
				r := try(pair[0], pair[1])
				if r.StatusCode != http.StatusUnauthorized || r.cookie("ploomber_session") != nil {
					t.Errorf("%s: %d", what, r.StatusCode)
				}
			}
			if kind == "not ASCII" {
				wantApp(t, "as ISO 8859-1", p.raw(p.head("GET", "/x", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("zo\xeb:canary-p\xe4ssword-\xdf")), "X-Forwarded-For: 192.0.2.200")+"\r\n"))
			}
			for _, header := range []string{"Authorization: Basic", "Authorization: Basic ", "Authorization: Basic %%%", "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("no colon")), "Authorization:",
				"Authorization: basic", "Authorization: Digest username=\"ann\"", "Authorization: Basic Basic eA==", "Authorization: Negotiate abc", "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+word))} {
				wantStatus(t, header, p.raw(p.head("GET", "/x", header)+"\r\n"), http.StatusUnauthorized)
			}
			for _, got := range a.taken() {
				if got.Header.Get("Authorization") != "" || strings.Contains(got.Wire, "canary") || strings.Contains(got.Wire, base64.StdEncoding.EncodeToString([]byte(name + ":"))[:4]) && kind != "one" {
					t.Errorf("the app got our credentials:\n%s", got.Wire)
				}
			}
		})
	}
}

// A guesser is locked out soon, by form and by header, however it spells its address; who is in stays in.
func TestClass16PasswordsLock(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	in := p.loggedIn()
	locked := false
	for i := range 12 {
		if i%2 == 0 {
			r := p.raw(p.head("GET", "/", asBasic(user, fmt.Sprint("canary-guess-", i)), fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i), fmt.Sprintf("X-Real-Ip: 192.0.2.%d", i), fmt.Sprintf("Forwarded: for=192.0.2.%d", i)) + "\r\n")
			locked = locked || r.StatusCode == http.StatusTooManyRequests && r.Header.Get("Retry-After") != ""
			continue
		}
		r := p.browser().login("/", user, fmt.Sprint("canary-guess-", i))
		locked = locked || r.StatusCode == http.StatusTooManyRequests
	}
	if !locked {
		t.Error("no guess was refused")
	}
	r := p.raw(p.head("GET", "/", asBasic(user, pass)) + "\r\n")
	wantStatus(t, "the right password while locked", r, http.StatusTooManyRequests)
	b := p.browser()
	if r := b.login("/", user, pass); r.StatusCode != http.StatusTooManyRequests || b.session() != "" {
		t.Errorf("the form while locked: %d", r.StatusCode)
	}
	wantApp(t, "who is in", in.get("/"))
	if n := strings.Count(p.log.String(), "credentials refused"); n < 5 {
		t.Errorf("%d lines about refused credentials", n)
	}
}

// Many guesses at once are as many guesses.
func TestClass16PasswordsAtOnce(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for i := range 60 {
		wg.Go(func() {
			r, err := p.bare().try("GET", "/", "", asBasic(user, fmt.Sprint("canary-guess-", i)))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			codes[r.StatusCode]++
		})
	}
	wg.Wait()
	if codes[http.StatusUnauthorized] > 10 || codes[http.StatusUnauthorized]+codes[http.StatusTooManyRequests] != 60 {
		t.Errorf("60 guesses at once were answered with %v", codes)
	}
}

// A name that nobody has costs as much as a wrong password: one hash each, counted in the process's own time.
func TestClass16PasswordsUnknownName(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_TRUSTED_PROXIES=127.0.0.1"))
	const guesses = 12
	spend := func(name string, address int) int64 {
		before := p.cpu()
		b := p.bare()
		for i := range guesses {
			r := b.get("/", asBasic(name, fmt.Sprint("canary-guess-", address, i)), fmt.Sprintf("X-Forwarded-For: 10.%d.0.%d", address, i))
			wantStatus(t, name, r, http.StatusUnauthorized)
		}
		return p.cpu() - before
	}
	known, unknown := spend(user, 1), spend("nobody", 2)
	if known == 0 || unknown < known/3 || known < unknown/3 {
		t.Errorf("%d guesses cost %d ticks with a known name, %d with an unknown one", guesses, known, unknown)
	}
}
