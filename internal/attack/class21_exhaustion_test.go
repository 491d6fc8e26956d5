package attack

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// growth is how much memory strangers may make the proxy hold, in bytes.
const growth = 48 << 20

// Security class 21: who has not logged in leaves nothing behind: no session, no state, no memory.
func TestClass21Exhaustion(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	file := filepath.Join(t.TempDir(), "sessions.db")
	byPassword, byProvider := start(t, a.url, password()), startWith(t, a.url, idp, nil, "--session-store", "sqlite:"+file)
	byProvider.loggedInThrough(idp)
	for name, p := range map[string]*proxy{"password": byPassword, "provider": byProvider} {
		visits := 2000 // of five addresses each
		if p == byPassword {
			visits /= 5
		}
		b := p.bare()
		flood := func(n int) {
			for range n {
				for _, target := range []string{"/", "/_auth/login", "/callback?state=x&code=y", "/status", "/logout"} {
					_ = b.get(target, asPage)
				}
			}
		}
		flood(50)
		before, size := p.rss(), folderSize(t, filepath.Dir(file))
		flood(visits)
		if grown := p.rss() - before; grown > growth {
			t.Errorf("%s: %d MB more after %d visits", name, grown>>20, 5*visits)
		}
		if grown := folderSize(t, filepath.Dir(file)) - size; grown > 64<<10 {
			t.Errorf("%s: the session store has grown by %d bytes", name, grown)
		}
	}
	if got := a.taken(); len(got) > 0 {
		t.Errorf("the app got %d requests", len(got))
	}
}

func folderSize(t *testing.T, dir string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// A browser that begins many logins is not drowned in their cookies: the oldest go.
func TestClass21ExhaustionCookies(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	b := p.browser()
	long := "/" + strings.Repeat("x", 1500)
	for i := range 60 {
		if r := b.get(fmt.Sprintf("%s?%d", long, i), asPage); r.StatusCode != http.StatusFound {
			t.Fatalf("login %d: %d\n%s", i, r.StatusCode, r.body)
		}
	}
	if r := b.through(idp, "/"); r.StatusCode != http.StatusFound || b.session() == "" {
		t.Fatalf("after many that were begun: %d", r.StatusCode)
	}
	wantApp(t, "afterwards", b.get("/"))
	_ = a
}

// Who sends slowly holds a connection for a while and no longer; others are served meanwhile.
func TestClass21ExhaustionSlow(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	cookie := p.loggedIn().cookie()
	starts := map[string]string{
		"nothing":             "",
		"half a line":         "GET / HT",
		"half a head":         p.head("GET", "/", cookie),
		"half a header":       p.head("GET", "/", cookie) + "X: ",
		"a body for a 401":    p.head("POST", "/", "Content-Length: 1000") + "\r\nx",
		"chunks for a 401":    p.head("POST", "/", "Transfer-Encoding: chunked") + "\r\n5\r\nx",
		"half a login form":   p.head("POST", "/_auth/login", asForm, "Content-Length: 1000") + "\r\ntoken=",
		"a body of a bad one": p.head("POST", "//", "Content-Length: 1000") + "\r\nx",
	}
	open := map[string][]*socket{}
	for name, text := range starts {
		for range 20 {
			s := p.dial()
			_ = s.SetDeadline(time.Now().Add(2 * clientLimit))
			s.say(text)
			open[name] = append(open[name], s)
		}
	}
	for range 20 {
		wantApp(t, "meanwhile", p.bare().get("/", cookie))
	}
	var wg sync.WaitGroup
	for name, sockets := range open {
		for _, s := range sockets {
			wg.Go(func() {
				for i := 0; ; i++ {
					if _, err := s.r.ReadByte(); err != nil {
						if isTimeout(err) {
							t.Errorf("%s: the connection is still open after %v", name, 2*clientLimit)
						}
						return
					}
				}
			})
		}
	}
	wg.Wait()
}
