package examplescmd

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/remote"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing":               {},
		"a name":                {Args: []string{"dash/board"}, Want: Flags{Name: "dash/board"}},
		"a folder":              {Args: []string{"dash/board", "--dest", "x"}, Want: Flags{Name: "dash/board", Dest: "x"}},
		"a fresh cache":         {Args: []string{"--clear-cache"}, Want: Flags{ClearCache: true}},
		"an offline list":       {Args: []string{"--list", "--offline"}, Want: Flags{List: true, Offline: true}},
		"list and name":         {Args: []string{"--list", "dash/board"}, Code: failure.Usage},
		"list and folder":       {Args: []string{"--list", "--dest", "x"}, Code: failure.Usage},
		"offline and download":  {Args: []string{"--offline", "--clear-cache"}, Code: failure.Usage},
		"two names":             {Args: []string{"a/b", "c/d"}, Code: failure.Failed},
		"a flag that is not it": {Args: []string{"--folder", "x"}, Code: failure.Failed},
	})
}

// setup is a user with a home, a folder and a server that has the examples of the documentation.
type setup struct {
	home, dir string
	url       string
	answers   string
	asked     int // requests to the server
	out, err  bytes.Buffer
}

// docs are the examples of the documentation: one of a framework that the program has too.
func docs() map[string]string {
	return map[string]string{
		"top/examples/streamlit/hello/README.md": "# Hello app\n\nSays hello.\n",
		"top/examples/streamlit/hello/app.py":    "import streamlit\n",
		"top/examples/streamlit/plain/app.py":    "import streamlit\n",
		"top/examples/docker/node/server.js":     "",
	}
}

func newSetup(t *testing.T, handler http.HandlerFunc) *setup {
	t.Helper()
	w := &setup{home: t.TempDir(), dir: t.TempDir(), url: "http://127.0.0.1:1/"}
	if handler != nil {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.asked++; handler(rw, r) }))
		t.Cleanup(server.Close)
		w.url = server.URL
	}
	return w
}

func serveDocs(rw http.ResponseWriter, _ *http.Request) {
	z := zip.NewWriter(rw)
	for _, name := range []string{
		"top/examples/docker/node/server.js", "top/examples/streamlit/hello/README.md", "top/examples/streamlit/hello/app.py",
		"top/examples/streamlit/plain/app.py",
	} {
		if f, err := z.Create(name); err == nil {
			_, _ = io.WriteString(f, docs()[name])
		}
	}
	_ = z.Close()
}

func (w *setup) options(f Flags, asJSON bool) *Options {
	streams := &term.IO{In: strings.NewReader(w.answers), Out: term.NewStream(&w.out), Err: term.NewStream(&w.err), JSON: asJSON}
	return &Options{
		IO: streams, Ask: prompt.New(streams), Dir: w.dir, Flags: f,
		Catalog: func() (catalog.Catalog, error) {
			client := remote.Client{Retry: httpclient.Retry{Max: -1}}
			return catalog.Catalog{
				Home: w.home, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, URL: w.url,
				Fetch: func(ctx context.Context, url string, h http.Header, limit int64, to io.Writer) error {
					return client.Get(ctx, remote.Request{URL: url, Header: h, Limit: limit}, to)
				},
			}, nil
		},
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	refused := func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "limit", http.StatusForbidden) }
	page := func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "<html>Please log in</html>") }
	half := func(rw http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		serveDocs(whole, r)
		_, _ = rw.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	}
	for name, tc := range map[string]struct {
		handler http.HandlerFunc // nil: no network
		flags   Flags
		source  string // of the copy, "" for an error
		says    string
		asked   int
	}{
		"of the documentation":           {serveDocs, Flags{Name: "streamlit/hello"}, remoteSource, "", 1},
		"only in the program":            {serveDocs, Flags{Name: "flask/basic-app"}, embeddedSource, "", 1},
		"no network":                     {nil, Flags{Name: "flask/basic-app"}, embeddedSource, "built into this program", 0},
		"not wanted":                     {serveDocs, Flags{Name: "flask/basic-app", Offline: true}, embeddedSource, "", 0},
		"not wanted and not there":       {serveDocs, Flags{Name: "streamlit/hello", Offline: true}, "", "unknown example", 0},
		"refused":                        {refused, Flags{Name: "flask/basic-app"}, embeddedSource, "403", 1},
		"refused, of the documentation":  {refused, Flags{Name: "streamlit/hello"}, "", "unknown example", 1},
		"a page in place of it":          {page, Flags{Name: "flask/basic-app"}, embeddedSource, "not a zip archive", 1},
		"half of it":                     {half, Flags{Name: "flask/basic-app"}, embeddedSource, "built into this program", 1},
		"nothing":                        {func(http.ResponseWriter, *http.Request) {}, Flags{Name: "flask/basic-app"}, embeddedSource, "built into this program", 1},
		"a mistyped framework":           {serveDocs, Flags{Name: "streamlt/hello"}, "", `did you mean "streamlit"`, 1},
		"a mistyped example":             {serveDocs, Flags{Name: "streamlit/helo"}, "", `did you mean "hello"`, 1},
		"a mistyped one of the program":  {serveDocs, Flags{Name: "flask/basicapp"}, "", `did you mean "basic-app"`, 1},
		"no slash":                       {serveDocs, Flags{Name: "hello"}, "", "did you mean streamlit/hello?", 1},
		"a framework":                    {serveDocs, Flags{Name: "Docker"}, "", "did you mean docker/node?", 1},
		"a name that leads out":          {serveDocs, Flags{Name: "streamlit/../hello"}, "", "unknown example", 1},
		"a framework that has no letter": {serveDocs, Flags{Name: "/hello"}, "", "unknown framework", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSetup(t, tc.handler)
			tc.flags.Dest = "x/copy"
			err := examples(t.Context(), w.options(tc.flags, true))
			said := w.err.String()
			if err != nil {
				said += err.Error()
				if failure.Hint(err) == "" {
					t.Errorf("%v: no hint", err)
				}
			}
			if !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q", said, tc.says)
			}
			if w.asked != tc.asked {
				t.Errorf("%d requests, want %d", w.asked, tc.asked)
			}
			var got result
			if tc.source != "" {
				if err := json.Unmarshal(w.out.Bytes(), &got); err != nil {
					t.Fatalf("%s: %v", w.out.String(), err)
				}
				want := filepath.Join("x", "copy")
				if got.Source != tc.source || got.Folder != want || got.Framework+"/"+got.Name != tc.flags.Name || got.Title == "" {
					t.Errorf("result %+v", got)
				}
				if _, err := os.Stat(filepath.Join(w.dir, want, "app.py")); err != nil {
					t.Error(err)
				}
				return
			}
			if failure.Code(err) != failure.Failed {
				t.Errorf("error %v", err)
			}
			if entries, _ := os.ReadDir(w.dir); len(entries) > 0 {
				t.Errorf("left %v", entries)
			}
		})
	}
}

func TestOldCacheServesWithoutNetwork(t *testing.T) {
	t.Parallel()
	w := newSetup(t, serveDocs)
	if err := examples(t.Context(), w.options(Flags{List: true}, true)); err != nil {
		t.Fatal(err)
	}
	w.url = "http://127.0.0.1:1/"
	if err := examples(t.Context(), w.options(Flags{Name: "streamlit/hello", Dest: "a", ClearCache: true}, false)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.err.String(), "downloaded before") {
		t.Errorf("says %q", w.err.String())
	}
	if err := examples(t.Context(), w.options(Flags{Name: "streamlit/plain", Dest: "b", Offline: true}, false)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"a", "b"} {
		if _, err := os.Stat(filepath.Join(w.dir, dir, "app.py")); err != nil {
			t.Error(err)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newSetup(t, serveDocs)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := examples(ctx, w.options(Flags{Name: "flask/basic-app", Dest: "x"}, false)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	w := newSetup(t, serveDocs)
	homeless := func(f Flags) *Options {
		o := w.options(f, false)
		o.Catalog = func() (catalog.Catalog, error) { return catalog.Catalog{}, errors.New("no home") }
		return o
	}
	if err := examples(t.Context(), homeless(Flags{Name: "flask/basic-app", Dest: "x", Offline: true})); err != nil {
		t.Error(err)
	}
	if err := examples(t.Context(), homeless(Flags{Name: "flask/basic-app", Dest: "y"})); err != nil || !strings.Contains(w.err.String(), "no home") {
		t.Errorf("%v, says %q", err, &w.err)
	}
	if names, _ := homeless(Flags{}).complete(nil, nil, ""); !slices.Contains(names, "flask/basic-app\tDice") {
		t.Errorf("completes with %q", names)
	}
}

func TestMenus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers string
		want    string // folder with the copy, "" for none
		fails   bool
	}{
		"numbers":                {answers: "1\n1\n\n", want: "hello"},
		"texts":                  {answers: "streamlit\nHello app: Says hello.\nx\n", want: "x"},
		"no description":         {answers: "streamlit\nplain\n\n", want: "plain"},
		"any letter case":        {answers: "STREAMLIT\n2\n\n", want: "plain"},
		"leave the first":        {answers: "exit\n"},
		"leave it by number":     {answers: "2\n"},
		"leave the second":       {answers: "streamlit\n3\n"},
		"docker is not offered":  {answers: "docker\nstreamlit\n1\n\n", want: "hello"},
		"out of range":           {answers: "0\n9\n1\n9\n1\n\n", want: "hello"},
		"input ends at once":     {fails: true},
		"input ends in between":  {answers: "1\n", fails: true},
		"input ends at the last": {answers: "1\n1\n", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSetup(t, serveDocs)
			w.answers = tc.answers
			if err := examples(t.Context(), w.options(Flags{}, false)); (err != nil) != tc.fails {
				t.Errorf("error %v", err)
			}
			var got []string
			entries, _ := os.ReadDir(w.dir)
			for _, e := range entries {
				got = append(got, e.Name())
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("made %v, want %q", got, tc.want)
			}
			if tc.want != "" && !strings.Contains(w.out.String(), "cd "+tc.want+"\n  ploomber-cloud init\n  ploomber-cloud auth --add ") {
				t.Errorf("says %q", w.out.String())
			}
		})
	}
}

// What is printed as the next commands leads to an app with a login, with an account and without.
func TestNextSteps(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ login, without string }{
		"basic-app":      {"ploomber-cloud auth --add ", "ploomber-cloud auth --add --offline && ploomber-cloud up"},
		"app-with-auth0": {"ploomber-cloud templates auth0 ", "ploomber-cloud up --dev-login"},
	} {
		commands, without := steps(name, "here")
		if len(commands) != 5 || !strings.HasPrefix(commands[2], want.login) || without != want.without {
			t.Errorf("%s: %q, without an account %q", name, commands, without)
		}
	}
}

func TestExistingFolder(t *testing.T) {
	t.Parallel()
	w := newSetup(t, serveDocs)
	mine := filepath.Join(w.dir, "hello", "mine.txt")
	if err := errors.Join(os.Mkdir(filepath.Dir(mine), 0o755), os.WriteFile(mine, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	err := examples(t.Context(), w.options(Flags{Name: "streamlit/hello", Dest: "hello"}, false))
	if !errors.Is(err, catalog.ErrExists) || !strings.Contains(failure.Hint(err), "--dest") {
		t.Errorf("%v, hint %q", err, failure.Hint(err))
	}
	if entries, _ := os.ReadDir(filepath.Dir(mine)); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := newSetup(t, serveDocs)
	if err := examples(t.Context(), w.options(Flags{List: true}, true)); err != nil {
		t.Fatal(err)
	}
	var got struct{ Examples []listed }
	if err := json.Unmarshal(w.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	hello := listed{"streamlit", "hello", "Hello app", "Says hello.", remoteSource}
	if !slices.Contains(got.Examples, hello) {
		t.Errorf("%+v is missing in %+v", hello, got.Examples)
	}
	if !slices.ContainsFunc(got.Examples, func(l listed) bool { return l.Framework == "flask" && l.Source == embeddedSource }) {
		t.Errorf("none of the program's in %+v", got.Examples)
	}
	name := func(a, b listed) int { return strings.Compare(a.Framework+"/"+a.Name, b.Framework+"/"+b.Name) }
	if !slices.IsSortedFunc(got.Examples, name) {
		t.Error("not sorted")
	}
}

func TestCompletionUsesNoNetwork(t *testing.T) {
	t.Parallel()
	w := newSetup(t, serveDocs)
	o := w.options(Flags{}, false)
	if names, _ := o.complete(nil, nil, ""); !slices.Contains(names, "flask/basic-app\tDice") || slices.Contains(names, "streamlit/hello\tHello app") {
		t.Errorf("completes with %q", names)
	}
	if _, err := o.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, _ := o.complete(nil, nil, "")
	if !slices.Contains(names, "streamlit/hello\tHello app") {
		t.Errorf("completes with %q", names)
	}
	if names, _ := o.complete(nil, []string{"streamlit/hello"}, ""); names != nil {
		t.Errorf("offers a second name: %q", names)
	}
	if w.asked != 1 {
		t.Errorf("%d requests, want the download's one", w.asked)
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for folder, want := range map[string]string{
		"a": "a", "./a/b-c_1": "./a/b-c_1", "my app": `"my app"`, "ünder": `"ünder"`, `C:\x`: `C:\x`,
	} {
		if got := quoted(folder); got != want {
			t.Errorf("%s: %s, want %s", folder, got, want)
		}
	}
}
