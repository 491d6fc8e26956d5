package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/internal/testkit/pyenv"
)

// pair is a header as an app sees it: under the name that its server gives it.
type pair [2]string

// webServer is a server that people run apps with, and what it makes of a header that says X_Auth_Name beside the
// proxy's own X-Auth-Name. Measured, and measured again in each run: a server that changes its mind fails the test.
type webServer struct {
	own    string // name under which an app looks for X-Auth-Name
	socket string // path of a WebSocket; "" where the server has none
	alias  string // what comes of "X-Auth-Name: ann" with "X_Auth_Name: mallory"
	mount  string // what an app with WSGI takes for the path of /public/x with "SCRIPT_NAME: /public"
}

func webServers() map[string]webServer {
	return map[string]webServer{
		"wsgiref":  {"HTTP_X_AUTH_NAME", "", "ann,mallory", "/public/x"},
		"werkzeug": {"HTTP_X_AUTH_NAME", "", "ann", "/public/x"},
		"waitress": {"HTTP_X_AUTH_NAME", "", "ann", "/public/x"},
		"gunicorn": {"HTTP_X_AUTH_NAME", "", "ann", "/x"},
		"uvicorn":  {"x-auth-name", "/ws", "ann", ""},
		"tornado":  {"X-Auth-Name", "/ws", "ann", ""},
	}
}

// Security class 1 against what apps really run on.
func TestClass01HeaderSpoofingServers(t *testing.T) {
	t.Parallel()
	env := environment(t, "servers")
	for name, server := range webServers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server.attack(t, startServer(t, env.Program("python"), "serve.py", name))
		})
	}
}

// Security class 4: the path that an app reads is the one that the rules were asked about, though a header may say where
// the app is mounted, and gunicorn believes that of its neighbours on the machine, as we are one.
func TestClass04MountedElsewhere(t *testing.T) {
	t.Parallel()
	env := environment(t, "servers")
	for name, server := range webServers() {
		if server.mount == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startServer(t, env.Program("python"), "serve.py", name)
			direct := &proxy{t: t, host: strings.TrimPrefix(address, "http://"), url: address}
			got := pairs(t, direct.raw(direct.head("GET", "/public/x", "SCRIPT_NAME: /public", "Connection: close")+"\r\n"))
			if path := valueOf(got, "PATH_INFO"); path != server.mount {
				t.Errorf("without us an app sees %q, measured was %q", path, server.mount)
			}
			p := start(t, address, password("AUTH_PUBLIC_PATHS=/public/"))
			for _, header := range []string{"Script-Name", "X-Script-Name", "Path-Info", "X-Forwarded-Prefix"} {
				for _, attack := range spellings(header) {
					attack = strings.Split(strings.ReplaceAll(strings.Join(attack, "\n"), "mallory", "/public"), "\n")
					r := p.raw(p.head("GET", "/public/x", append(attack, "Connection: close")...) + "\r\n")
					if r.StatusCode == http.StatusBadRequest {
						continue
					}
					got := pairs(t, r)
					if path, mount := valueOf(got, "PATH_INFO"), valueOf(got, "SCRIPT_NAME"); path != "/public/x" || mount != "" {
						t.Errorf("%q: an app sees %q below %q", attack, path, mount)
					}
				}
			}
		})
	}
}

// The same against R's httpuv, which Shiny apps run on: the forged header is the only one that they see without us. It
// runs where shiny-r is among the frameworks of PLOOMBER_TEST_FRAMEWORKS, since R is large.
func TestFrameworkClass01HeaderSpoofingShinyR(t *testing.T) {
	asked := strings.Split(os.Getenv("PLOOMBER_TEST_FRAMEWORKS"), ",")
	if !slices.Contains(asked, "all") && !slices.Contains(asked, "shiny-r") {
		t.Log("shiny-r was not asked for")
		return
	}
	if err := exec.Command("Rscript", "-e", "library(httpuv); library(jsonlite)").Run(); err != nil {
		missing(t, "R with httpuv and jsonlite")
	}
	webServer{"HTTP_X_AUTH_NAME", "/ws", "mallory", ""}.attack(t, startServer(t, "Rscript", "serve.R"))
}

// attack sends forged headers to a server, by itself and behind a proxy.
func (server webServer) attack(t *testing.T, address string) {
	t.Helper()
	direct := &proxy{t: t, host: strings.TrimPrefix(address, "http://"), url: address}
	got := pairs(t, direct.raw(direct.head("GET", "/", "X-Auth-Name: "+user, "X_Auth_Name: mallory", "Connection: close")+"\r\n"))
	if said := valueOf(got, server.own); said != server.alias {
		t.Errorf("without us an app sees %q, measured was %q: %v", said, server.alias, got)
	}
	p := start(t, address, password())
	cookie := p.loggedIn().cookie()
	for i, header := range identityHeaders() {
		for _, attack := range some(spellings(header), i) {
			r := p.raw(p.head("GET", "/", append(attack, cookie, "Connection: close")...) + "\r\n")
			if r.StatusCode != http.StatusBadRequest {
				wantOwnOnly(t, attack, pairs(t, r), server.own)
			}
			if server.socket == "" {
				continue
			}
			if got, ok := socketPairs(t, p, server.socket, append(attack, cookie)); ok {
				wantOwnOnly(t, attack, got, server.own)
			}
		}
	}
}

// some is every spelling of the first header, and a few of the others, which servers read no differently.
func some(spellings [][]string, header int) [][]string {
	if header == 0 {
		return spellings
	}
	return spellings[:9]
}

// wantOwnOnly fails unless an app sees nothing of the attacker and, under the name it looks for, our user.
func wantOwnOnly(t *testing.T, attack []string, got []pair, own string) {
	t.Helper()
	for _, p := range got {
		if strings.Contains(p[1], "mallory") {
			t.Errorf("%q: an app sees %q", attack, p)
		}
	}
	if said := valueOf(got, own); said != user {
		t.Errorf("%q: %s is %q, want %q", attack, own, said, user)
	}
}

// valueOf joins the values of a name.
func valueOf(pairs []pair, name string) string {
	var values []string
	for _, p := range pairs {
		if p[0] == name {
			values = append(values, p[1])
		}
	}
	return strings.Join(values, ",")
}

func pairs(t *testing.T, r reply) []pair {
	t.Helper()
	var got []pair
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatalf("%d %q: %v", r.StatusCode, r.body, err)
	}
	return got
}

// socketPairs opens a WebSocket and reads its first message, as an app that looks at its headers would send it. ok is
// false where the upgrade was refused.
func socketPairs(t *testing.T, p *proxy, path string, header []string) (got []pair, ok bool) {
	t.Helper()
	s := p.dial()
	defer func() { _ = s.Close() }()
	s.say(p.upgrade(path, header...))
	r, err := s.answer("GET")
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode == http.StatusBadRequest {
		return nil, false
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%q: %d %s", header, r.StatusCode, r.body)
	}
	message, err := readMessage(s.r)
	if err != nil || json.Unmarshal(message, &got) != nil {
		t.Fatalf("%q: %q, %v", header, message, err)
	}
	return got, true
}

// readMessage reads one unmasked frame.
func readMessage(r *bufio.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int(head[1] & 0x7f)
	if size >= 126 {
		long := make([]byte, map[int]int{126: 2, 127: 8}[size])
		if _, err := io.ReadFull(r, long); err != nil {
			return nil, err
		}
		size = 0
		for _, b := range long {
			size = size<<8 | int(b)
		}
	}
	message := make([]byte, size)
	_, err := io.ReadFull(r, message)
	return message, err
}

// environment is a Python environment with what a folder of testdata asks for.
func environment(t *testing.T, folder string) pyenv.Env {
	t.Helper()
	cache, err := pyenv.DefaultCache(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	env, err := cache.Ensure(t.Context(), filepath.Join("testdata", folder, "requirements.txt"))
	if errors.Is(err, pyenv.ErrNoPython) {
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// startServer runs a server of testdata until the test ends, and returns its address.
func startServer(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.WaitDelay = filepath.Join("testdata", "servers"), 5*time.Second
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"}
	said := &output.Buffer{}
	c.Stderr = said
	ownGroup(c)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { killGroup(c); cancel(); _ = c.Wait() })
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%q did not start: %v\n%s", args, err, said)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// missing ends a test that needs what the machine does not have.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
		t.Fatal("missing: " + what)
	}
	t.Skip("missing: " + what)
}
