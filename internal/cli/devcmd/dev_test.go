package devcmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Flags
		config string
	}
	flagtest.Run(t, func(got *parsed) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = parsed{o.Flags, o.Deploy.Folder.Config}; return nil })
	}, flagtest.Cases[parsed]{
		"nothing":        {},
		"watch":          {Args: []string{"--watch"}, Want: parsed{Flags: Flags{Watch: true}}},
		"another config": {Args: []string{"-c", "staging.json"}, Want: parsed{config: "staging.json"}},
		"an argument":    {Args: []string{"x"}, Code: failure.Failed},
		"no flag":        {Args: []string{"--poll"}, Code: failure.Failed},
	})
}

func TestPassedOver(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"app.py": false, "readme.md": false, "README.md.py": false, "data/app.zip": false, "app-x.zip.py": false, "#": false,
		".env": false, "swp": false, ".streamlit/config.toml": false, "git/x": false, "14913": false,
		"ploomber-cloud.json": true, "README.md": true, "sub/README.md": true, "app-1234abcd.zip": true, "app-x.zip": true,
		".git/index": true, "lib/.git/HEAD": true, ".app.py.swp": true, "app.py~": true, "#app.py#": true, ".#app.py": true,
		"4913": true, "sub/app.py___jb_tmp___": true, ".goutputstream-X1": true,
	} {
		if passedOver(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

// folder is a project on disk.
type folder string

func newFolder(t *testing.T) folder {
	t.Helper()
	f := folder(t.TempDir())
	for name, text := range map[string]string{
		"app.py": "import dash\n", "sub/deep/x.py": "", "data/big.csv": "", ".git/HEAD": "x", "venv/pyvenv.cfg": "", "venv/lib/y.py": "",
		"ploomber-cloud.json": `{"id": "demo", "type": "dash", "ignore": ["data"]}`,
	} {
		f.write(t, name, text)
	}
	return f
}

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

func (f folder) write(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(f.path(name)), 0o755), os.WriteFile(f.path(name), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (f folder) deploy() flow.Deploy {
	return flow.Deploy{
		Folder:  flow.Folder{Dir: string(f)},
		Connect: func() (*cloudapi.Client, error) { return nil, nil },
	}
}

func (f folder) tree(t *testing.T) *tree {
	t.Helper()
	d := f.deploy()
	tr, err := openTree(t.Context(), string(f), func(ctx context.Context) (*flow.Snapshot, error) { return d.Snapshot(ctx, passedOver) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.close)
	return tr
}

// watched lists the watched folders, in any order, as the archive would name them.
func (f folder) watched(tr *tree) map[string]bool {
	names := map[string]bool{}
	for _, path := range tr.watcher.WatchList() {
		names[tr.name(path)] = true
	}
	return names
}

func TestTreeWatchesWhatShips(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	tr := f.tree(t)
	expect := func(want ...string) {
		t.Helper()
		got := f.watched(tr)
		for _, name := range want {
			if !got[name] {
				t.Errorf("%s is not watched, but %v", name, got)
			}
		}
		if len(got) != len(want) {
			t.Errorf("watches %v, want %v", got, want)
		}
	}
	changed := func() bool {
		t.Helper()
		yes, err := tr.changed(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
	expect(".", "sub", "sub/deep")
	if changed() {
		t.Error("changed by itself")
	}
	f.write(t, "new/er/z.py", "x")
	f.write(t, "env/pyvenv.cfg", "x")
	f.write(t, "env/lib/z.py", "x")
	if !changed() {
		t.Error("new files are not seen")
	}
	expect(".", "sub", "sub/deep", "new", "new/er")
	f.write(t, "ploomber-cloud.json", `{"id": "demo", "type": "dash", "ignore": ["new"]}`)
	if !changed() { // data ships now, new does not
		t.Error("other rules are not seen")
	}
	expect(".", "sub", "sub/deep", "data")
}

func TestTreeKeepsItsStateWhereALookFails(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	tr := f.tree(t)
	f.write(t, "app.py", "import dash # changed\n")
	f.write(t, "ploomber-cloud.json", "{")
	if _, err := tr.changed(t.Context()); err == nil {
		t.Error("a broken configuration is not an error")
	}
	f.write(t, "ploomber-cloud.json", `{"id": "demo", "type": "dash", "ignore": ["data"]}`)
	if yes, err := tr.changed(t.Context()); err != nil || !yes {
		t.Errorf("the change is forgotten: %t, %v", yes, err)
	}
}

func TestConcerns(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	tr := f.tree(t)
	f.write(t, "fresh/deep/x.py", "")
	for name, tc := range map[string]struct {
		file string
		op   fsnotify.Op
		want bool
	}{
		"written":                {"app.py", fsnotify.Write, true},
		"removed":                {"gone.py", fsnotify.Remove, true},
		"renamed":                {"gone.py", fsnotify.Rename, true},
		"made":                   {"app.py", fsnotify.Create | fsnotify.Write, true},
		"its mode":               {"app.py", fsnotify.Chmod, false},
		"its mode and content":   {"app.py", fsnotify.Chmod | fsnotify.Write, true},
		"a new folder":           {"fresh", fsnotify.Create, true},
		"a folder's list":        {"sub", fsnotify.Write, false},
		"a folder that is out":   {"data", fsnotify.Create, false},
		"the secrets":            {".env", fsnotify.Write, true},
		"README.md":              {"README.md", fsnotify.Write, false},
		"an archive":             {"app-0123.zip", fsnotify.Create, false},
		"a swap file":            {"sub/.x.py.swp", fsnotify.Write, false},
		"the configuration":      {"ploomber-cloud.json", fsnotify.Write, false},
		"a repository":           {".git", fsnotify.Create, false},
		"a temporary file of us": {".ploomber-cloud-1.tmp", fsnotify.Create, false},
	} {
		if got := tr.concerns(fsnotify.Event{Name: f.path(tc.file), Op: tc.op}); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if got := f.watched(tr); !got["fresh"] || !got["fresh/deep"] {
		t.Errorf("a new folder is not watched: %v", got)
	}
	f.write(t, "fresh/pyvenv.cfg", "")
	tr.concerns(fsnotify.Event{Name: f.path("fresh/pyvenv.cfg"), Op: fsnotify.Create})
	if got := f.watched(tr); got["fresh"] || got["fresh/deep"] {
		t.Errorf("a virtual environment is watched: %v", got)
	}
}

// signal closes a channel when a text is written.
type signal struct {
	text string
	seen chan struct{}
	once sync.Once
}

func (s *signal) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.text)) {
		s.once.Do(func() { close(s.seen) })
	}
	return len(p), nil
}

// session is the command while it runs.
type session struct {
	folder
	deployed chan string   // what app.py held, by a deployment that goes on when someone reads here
	began    chan struct{} // by a deployment that has read app.py
	ended    chan error
	cancel   context.CancelFunc
}

func start(t *testing.T) *session {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &session{folder: newFolder(t), deployed: make(chan string), began: make(chan struct{}, 10), ended: make(chan error, 1), cancel: cancel}
	ready := &signal{text: "Each save", seen: make(chan struct{})}
	o := &Options{
		IO: &term.IO{Out: term.NewStream(io.Discard), Err: term.NewStream(ready)}, Deploy: s.deploy(),
		Failed: func(error) {},
		Send: func(ctx context.Context, _ *Options) error {
			text, err := os.ReadFile(s.path("app.py"))
			s.began <- struct{}{}
			select {
			case s.deployed <- string(text):
			case <-ctx.Done():
				return ctx.Err()
			}
			return errors.Join(err, errors.New("passed over"))
		},
	}
	go func() { s.ended <- dev(ctx, o) }()
	select {
	case <-ready.seen:
	case err := <-s.ended:
		t.Fatal(err)
	}
	t.Cleanup(cancel)
	return s
}

// once checks that there is one deployment, of that content, and no other until it has been quiet twice as long
// as a deployment waits.
func (s *session) once(t *testing.T, text string) {
	t.Helper()
	s.onceAfter(t, func() {}, text)
}

// onceAfter makes the changes of one save and expects one deployment. On a busy machine the changes may take so long that
// a deployment begins between them: then there are others before.
func (s *session) onceAfter(t *testing.T, changes func(), text string) {
	t.Helper()
	start := time.Now()
	changes()
	slow := time.Since(start) > quiet/2
	for deployed := false; !deployed; {
		select {
		case got := <-s.deployed:
			deployed = got == text || !slow
			if got != text && !slow {
				t.Errorf("deployed %q, want %q", got, text)
			}
		case err := <-s.ended:
			t.Fatalf("ended with %v", err)
		case <-time.After(time.Minute):
			t.Fatal("not deployed")
		}
	}
	s.none(t)
}

func (s *session) none(t *testing.T) {
	t.Helper()
	select {
	case got := <-s.deployed:
		t.Errorf("deployed %q without a save", got)
	case <-time.After(2 * quiet):
	}
}

// TestSaves saves files as editors do while the command runs, and counts the deployments.
func TestSaves(t *testing.T) {
	t.Parallel()
	must := func(t *testing.T, errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	for name, save := range map[string]func(t *testing.T, s *session){
		"in place": func(t *testing.T, s *session) {
			s.onceAfter(t, func() {
				s.write(t, "app.py", "half")
				s.write(t, "app.py", "whole")
			}, "whole")
			s.write(t, "app.py", "again")
			s.once(t, "again")
		},
		"as vim does": func(t *testing.T, s *session) {
			s.write(t, ".app.py.swp", "x")
			s.none(t)
			s.onceAfter(t, func() {
				s.write(t, "4913", "")
				must(t, os.Remove(s.path("4913")), os.Rename(s.path("app.py"), s.path("app.py~")))
				s.write(t, "app.py", "vim")
				must(t, os.Chmod(s.path("app.py"), 0o644), os.Remove(s.path("app.py~")))
			}, "vim")
		},
		"by a rename": func(t *testing.T, s *session) {
			s.onceAfter(t, func() {
				s.write(t, "tmp123", "renamed")
				must(t, os.Rename(s.path("tmp123"), s.path("app.py")), os.Chmod(s.path("app.py"), 0o640))
			}, "renamed")
		},
		"in a new folder": func(t *testing.T, s *session) {
			s.write(t, "a/b/c.py", "")
			s.once(t, "import dash\n")
			s.write(t, "a/b/c.py", "more")
			s.once(t, "import dash\n")
		},
		"a removed file": func(t *testing.T, s *session) {
			must(t, os.Remove(s.path("sub/deep/x.py")))
			s.once(t, "import dash\n")
		},
		"while it deploys": func(t *testing.T, s *session) {
			s.write(t, "app.py", "first")
			<-s.began
			s.write(t, "app.py", "second")
			time.Sleep(2 * quiet)
			s.write(t, "app.py", "the third")
			if got := <-s.deployed; got != "first" {
				t.Errorf("deployed %q first", got)
			}
			s.once(t, "the third")
		},
		"what is not watched": func(t *testing.T, s *session) {
			for _, file := range []string{"README.md", "data/big.csv", ".git/index", "venv/lib/z.py", "ploomber-cloud.json", "app-12.zip"} {
				s.write(t, file, `{"id": "demo", "type": "dash", "ignore": ["data"]}`)
			}
			must(t, os.Chmod(s.path("app.py"), 0o640), os.Mkdir(s.path("empty"), 0o755))
			s.none(t)
		},
		"the secrets": func(t *testing.T, s *session) {
			s.write(t, ".env", "A=1")
			s.once(t, "import dash\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			save(t, s)
			s.cancel()
			if err := <-s.ended; failure.Code(err) != failure.Interrupted {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestDevNeeds(t *testing.T) {
	t.Parallel()
	quietly := &term.IO{Out: term.NewStream(io.Discard), Err: term.NewStream(io.Discard)}
	keyless := failure.NotAllowedf("no key")
	d := newFolder(t).deploy()
	d.Connect = func() (*cloudapi.Client, error) { return nil, keyless }
	if err := dev(t.Context(), &Options{IO: quietly, Deploy: d}); !errors.Is(err, keyless) {
		t.Errorf("without a key: %v", err)
	}
	d = folder(t.TempDir()).deploy()
	if err := dev(t.Context(), &Options{IO: quietly, Deploy: d}); !strings.Contains(failure.Hint(err), "init") {
		t.Errorf("without a project: %v", err)
	}
}
