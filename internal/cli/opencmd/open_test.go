package opencmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"none":     {},
		"all":      {Args: []string{"--project-id=p", "--dashboard", "--print"}, Want: Flags{"p", true, true}},
		"argument": {Args: []string{"p"}, Code: failure.Failed},
	})
}

func TestSafe(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.example.com":                "https://shop.example.com",
		"http://p-1.localhost:8080/a?b=c&d=%20#e": "http://p-1.localhost:8080/a?b=c&d=%20#e",
		"https://[::1]:8080/":                     "https://[::1]:8080/",
		"HTTPS://shop.example.com/ü x":            "https://shop.example.com/%C3%BC%20x",
		"":                                        "",
		"shop.example.com":                        "",
		"/etc/passwd":                             "",
		"file:///etc/passwd":                      "",
		"javascript:alert(1)":                     "",
		"ms-settings:":                            "",
		"https:///path":                           "",
		"https://":                                "",
		"--help":                                  "",
		"https://user:secret@example.com":         "",
		"https://example.com/?q=$(id)'":           "",
		"https://example.com/?a b":                "",
		"https://example.com/?`id`":               "",
		"https://example.com/\nX":                 "",
		"https://example.com\"/":                  "",
		"https://exa mple.com/":                   "",
	} {
		got, err := Safe(address)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Safe(%q) = %q, %v, want %q", address, got, err, want)
		}
	}
}

// FuzzSafe checks that no program can take an accepted address for an option, a file or a shell command.
func FuzzSafe(f *testing.F) {
	f.Add("https://shop.example.com/?a=b#c")
	f.Add("http://[::1]:80/%2e%2e/x")
	f.Add("javascript:alert(1)//https://example.com")
	f.Fuzz(func(t *testing.T, address string) {
		safe, err := Safe(address)
		if err != nil {
			return
		}
		if !strings.HasPrefix(safe, "http://") && !strings.HasPrefix(safe, "https://") {
			t.Errorf("%q became %q", address, safe)
		}
		if strings.ContainsAny(safe, " \t\r\n\\\"'`<>|^{}\x00\x1b") {
			t.Errorf("%q became %q", address, safe)
		}
		if again, err := Safe(safe); err != nil || again != safe {
			t.Errorf("%q became %q, and that %q: %v", address, safe, again, err)
		}
	})
}

func TestCommandForBrowser(t *testing.T) {
	t.Parallel()
	const page = "https://example.com/?a=b&c=d"
	for name, tc := range map[string]struct {
		os, display, address string
		want                 []string
	}{
		"linux":                {"linux", "DISPLAY", page, []string{"xdg-open", page}},
		"wayland":              {"linux", "WAYLAND_DISPLAY", page, []string{"xdg-open", page}},
		"linux without screen": {"linux", "", page, nil},
		"macos":                {"darwin", "", page, []string{"open", page}},
		"windows":              {"windows", "", page, []string{"rundll32", "url.dll,FileProtocolHandler", page}},
		"a file":               {"darwin", "", "file:///etc/passwd", nil},
		"an option":            {"darwin", "", "-a", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			b := Browser{
				OS: tc.os,

				Start: func(_ context.Context, program string, args ...string) error {
					got = append([]string{program}, args...)
					return nil
				},
			}
			b.Lookup = func(v string) (string, bool) {
				if v == tc.display {
					return ":0", true
				}
				return "", false
			}
			err := b.Open(t.Context(), tc.address)
			if !reflect.DeepEqual(got, tc.want) || (err != nil) != (tc.want == nil) {
				t.Errorf("%v, started %q", err, got)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	const app = "https://shop.example.com"
	const pages = "https://www.platform.ploomber.io/applications/"
	for name, tc := range map[string]struct {
		webservice string
		project    string // reply; "" is one with a job
		args       []string
		broken     bool // no browser starts
		want       result
		says       string
		fails      bool
	}{
		"app":                  {webservice: app, want: result{app, true}},
		"print":                {webservice: app, args: []string{"--print"}, want: result{app, false}},
		"no browser":           {webservice: app, broken: true, want: result{app, false}, says: "yourself"},
		"dashboard":            {args: []string{"--dashboard"}, want: result{pages + "p-1/j1", true}},
		"dashboard, new":       {project: `{"jobs": []}`, args: []string{"--dashboard"}, want: result{pages + "p-1", true}},
		"never deployed":       {project: `{"jobs": []}`, says: "never deployed", fails: true},
		"no address yet":       {says: "has no address yet", fails: true},
		"a file for a page":    {webservice: "file:///etc/passwd", says: "refusing to open", fails: true},
		"a file to be printed": {webservice: "file:///etc/passwd", args: []string{"--print"}, says: "refusing to open", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/projects/p-1" && tc.project != "":
					_, _ = w.Write([]byte(tc.project))
				case r.URL.Path == "/projects/p-1":
					_, _ = w.Write([]byte(`{"jobs": [{"id": "j1"}]}`))
				case r.URL.Path == "/jobs/j1":
					_ = json.NewEncoder(w).Encode(cloudapi.Job{Status: "pending", Resources: cloudapi.JobResources{Webservice: tc.webservice}})
				default:
					http.NotFound(w, r)
				}
			}))
			t.Cleanup(server.Close)
			var out, errs bytes.Buffer
			started := 0
			c := New(Options{
				IO: &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&errs), JSON: true},
				Connect: func() (*cloudapi.Client, error) {
					return cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k"}), nil
				},
				Settings: &settings.Settings{Lookup: func(string) (string, bool) { return "", false }},
				Browser: Browser{OS: "darwin", Start: func(context.Context, string, ...string) error {
					started++
					if tc.broken {
						return errors.New("not found")
					}
					return nil
				}},
			}, nil)
			c.SilenceErrors, c.SilenceUsage = true, true
			c.SetArgs(append([]string{"--project-id", "p-1"}, tc.args...))
			err := c.ExecuteContext(t.Context())
			if tc.fails {
				if failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), tc.says) || started > 0 || out.Len() > 0 {
					t.Errorf("%v, started %d, printed %q", err, started, &out)
				}
				return
			}
			var got result
			if err != nil || json.Unmarshal(out.Bytes(), &got) != nil || got != tc.want {
				t.Errorf("%v: got %+v, want %+v", err, got, tc.want)
			}
			if !strings.Contains(errs.String(), tc.says) {
				t.Errorf("%q is missing in %q", tc.says, &errs)
			}
		})
	}
}
