package proxycmd

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
)

// An app may listen at a Unix socket, which it makes whenever it likes; until then the log names what is missing.
func TestAppAtSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.sock")
	w := start(t, hello, login, func(o *Options) { o.Upstream = "unix:" + path })
	w.says("socket not found")
	client := newClient(t, "first-password")
	if code, body := client.get(t, "http://"+w.public+"/"); code != http.StatusServiceUnavailable || !strings.Contains(body, "starting") {
		t.Errorf("before it is there: %d %s", code, body)
	}
	w.says(`msg="app does not answer; requests get an error page until it does" upstream=` + path)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	app := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	_ = app.Listener.Close()
	app.Listener = l
	app.Start()
	t.Cleanup(app.Close)
	if code, body := client.get(t, "http://"+w.public+"/"); code != http.StatusOK || body != "hello ann" {
		t.Errorf("%d %s", code, body)
	}
}

// What is there and no socket is a mistake, as is an address without a path.
func TestNoSocket(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for upstream, want := range map[string]string{
		"unix:" + file: "--upstream: " + file + " is not a socket", "unix:": "--upstream: must be http://HOST:PORT",
		"http+unix://" + file: "--upstream: " + file + " is not a socket",
	} {
		d := cmdtest.New(t, map[string]string{".env": login})
		err := cmdtest.Run(t.Context(), New(*options(t, d), nil), "--check", "--upstream="+upstream)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", upstream, err)
		}
	}
}
