//go:build unix

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is an unprivileged user that file permissions apply to, unlike root.
const nobody = 65534

// TestBadInput gives commands files and folders that cannot be read or written. Each says which one in a line,
// with the right exit status, changes nothing and asks the platform for no change.
func TestBadInput(t *testing.T) {
	t.Parallel()
	type args = []string
	chmod := func(name string, mode os.FileMode) func(t *testing.T, p *place) {
		return func(t *testing.T, p *place) {
			if err := os.Chmod(filepath.Join(p.app, name), mode); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(p.app, name), 0o755) }) // so that it can be removed
		}
	}
	replaced := func(name string, by func(path string) error) func(t *testing.T, p *place) {
		return func(t *testing.T, p *place) {
			path := filepath.Join(p.app, name)
			_ = os.Remove(path) // may not be there
			if err := by(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder := func(path string) error { return os.Mkdir(path, 0o755) }
	pipe := func(path string) error { return syscall.Mkfifo(path, 0o644) }
	text := func(s string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(s), 0o644) }
	}
	lacking := func(name string) func(t *testing.T, p *place) {
		return func(t *testing.T, p *place) {
			if err := os.Remove(filepath.Join(p.app, name)); err != nil {
				t.Fatal(err)
			}
			chmod(".", 0o555)(t, p)
		}
	}
	add := args{"auth", "--add", "--feature", "main_app"}
	for name, tc := range map[string]struct {
		bad      func(t *testing.T, p *place)
		commands []args
		says     []string
	}{
		"read-only folder without .env":            {lacking(".env"), []args{add, {"templates", "auth0"}}, []string{".env", "permission denied"}},
		"read-only folder without a configuration": {lacking("ploomber-cloud.json"), []args{{"init", "--yes"}}, []string{"ploomber-cloud.json", "permission denied"}},
		"read-only .env":                           {chmod(".env", 0o444), []args{add, {"templates", "auth0"}}, []string{".env", "permission denied"}},
		"unreadable .env":                          {chmod(".env", 0), []args{add, {"templates", "auth0"}, {"deploy"}, {"deploy", "--dry-run"}}, []string{".env", "permission denied"}},
		"unreadable config":                        {chmod("ploomber-cloud.json", 0), []args{{"deploy"}, {"labels"}, add, {"init", "--force", "--yes"}}, []string{"ploomber-cloud.json", "permission denied"}},
		"unreadable app.py":                        {chmod("app.py", 0), []args{{"deploy"}}, []string{"app.py", "permission denied"}},
		"unreadable subfolder":                     {chmod("data", 0), []args{{"deploy"}, {"deploy", "--list-files"}}, []string{"data", "permission denied"}},
		".env is a folder":                         {replaced(".env", folder), []args{add, {"templates", "auth0"}, {"deploy"}}, []string{".env", "folder"}},
		".env is a pipe":                           {replaced(".env", pipe), []args{add, {"templates", "auth0"}, {"deploy"}}, []string{".env", "not a regular file"}},
		".env is not UTF-8":                        {replaced(".env", text("A=1\nB=\xff\n")), []args{add, {"deploy"}}, []string{".env", "line 2", "UTF-8"}},
		"config is a folder":                       {replaced("ploomber-cloud.json", folder), []args{{"deploy"}, {"labels"}, add}, []string{"ploomber-cloud.json"}},
		"config is a pipe":                         {replaced("ploomber-cloud.json", pipe), []args{{"deploy"}, {"labels"}, {"init", "--force", "--yes"}}, []string{"ploomber-cloud.json"}},
		"config is not UTF-8":                      {replaced("ploomber-cloud.json", text("{\"id\": \"\xff\", \"type\": \"dash\"}")), []args{{"deploy"}, {"labels"}}, []string{"ploomber-cloud.json", "UTF-8"}},
		"app.py is a folder":                       {replaced("app.py", folder), []args{{"init", "--force", "--yes"}}, []string{"app.py|type"}},
		"config is a broken link":                  {replaced("ploomber-cloud.json", func(path string) error { return os.Symlink("nowhere", path) }), []args{{"deploy"}, {"init", "--yes"}}, []string{"ploomber-cloud.json"}},
	} {
		for _, command := range tc.commands {
			t.Run(name+"/"+strings.Join(command, " "), func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, map[string]string{
					"ploomber-cloud.json": myProject, ".env": "A=CANARY_a\n", "app.py": "import streamlit\n", "data/x": "1",
				})
				own(t, p)
				tc.bad(t, p)
				before := readable(p.app)
				c := p.command(t, command...)
				c.Stdin = strings.NewReader("ana\nsecret\nhttps://id.example.com\n")
				c.SysProcAttr = asNobody()
				exit, stdout, stderr := finish(t, c)
				if exit != 1 {
					t.Errorf("status %d, want 1", exit)
				}
				for _, want := range tc.says {
					one := false
					for alternative := range strings.SplitSeq(want, "|") {
						one = one || strings.Contains(stderr, alternative)
					}
					if !one {
						t.Errorf("does not say %q", want)
					}
				}
				fit(t, stdout, stderr)
				unchanged(t, before, readable(p.app))
				for _, r := range p.cloud.Seen() {
					if r.Method != "GET" {
						t.Errorf("the platform was asked for %s", r)
					}
				}
				if t.Failed() {
					t.Logf("%s%s", stdout, stderr)
				}
			})
		}
	}
}

// own gives a place to the user who will run the program there.
func own(t *testing.T, p *place) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(filepath.Dir(p.root), 0o755); err != nil { // the test's own folder is private
		t.Fatal(err)
	}
	err := filepath.WalkDir(p.root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func asNobody() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// readable reads all files of a folder that are files and can be read.
func readable(dir string) map[string]string {
	files := map[string]string{}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, _ := os.ReadFile(path)
			files[path] = string(data)
		}
		return nil
	})
	return files
}

// TestBadSurroundings runs commands with streams, a home and a disk that are not as usual.
func TestBadSurroundings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shell string // the program is "$@"
		args  []string
		env   []string
		exits []int
		says  string
	}{
		"full disk for the result":      {shell: `exec "$@" > /dev/full`, args: []string{"labels"}, exits: []int{1}, says: "cannot write the result"},
		"full disk for JSON":            {shell: `exec "$@" > /dev/full`, args: []string{"labels", "--json"}, exits: []int{1}, says: "cannot write the result"},
		"full disk for messages":        {shell: `exec "$@" 2> /dev/full`, args: []string{"labels", "--add", ""}, exits: []int{1}},
		"full disk for help":            {shell: `exec "$@" > /dev/full`, args: []string{"--help"}, exits: []int{1}},
		"no room for files":             {shell: `ulimit -f 0; exec "$@"`, args: []string{"resources", "--gpu", "0", "--cpu", "1", "--ram", "2"}, exits: []int{1}, says: "ploomber-cloud.json"},
		"no room for the archive":       {shell: `ulimit -f 0; exec "$@"`, args: []string{"deploy"}, exits: []int{1}},
		"closed input, no question":     {shell: `exec "$@" <&-`, args: []string{"labels"}, exits: []int{0}},
		"closed input, a question":      {shell: `exec "$@" <&-`, args: []string{"auth", "--add", "--feature", "main_app"}, exits: []int{2}, says: "--username"},
		"closed output":                 {shell: `exec "$@" >&-`, args: []string{"labels"}, exits: []int{0, 1}},
		"closed messages":               {shell: `exec "$@" 2>&-`, args: []string{"labels", "--add", ""}, exits: []int{1}},
		"everything closed":             {shell: `exec "$@" <&- >&- 2>&-`, args: []string{"labels"}, exits: []int{0, 1}},
		"a reader that goes away":       {shell: `"$@" | true`, args: []string{"--help"}, exits: []int{0}},
		"input is a folder":             {shell: `exec "$@" < .`, args: []string{"auth", "--add", "--feature", "main_app"}, exits: []int{2}},
		"no home":                       {shell: `unset HOME; exec "$@"`, args: []string{"labels"}, exits: []int{0}},
		"no home and no key":            {shell: `unset HOME PLOOMBER_CLOUD_KEY; exec "$@"`, args: []string{"labels"}, exits: []int{1, 3}, says: "home"},
		"no home for the key":           {shell: `unset HOME; exec "$@"`, args: []string{"key", "CANARY_k"}, exits: []int{1}, says: "home"},
		"home is a file":                {shell: `HOME=$PWD/ploomber-cloud.json exec "$@"`, args: []string{"key", "CANARY_k"}, exits: []int{1}},
		"home is a file, key not there": {shell: `unset PLOOMBER_CLOUD_KEY; HOME=$PWD/ploomber-cloud.json exec "$@"`, args: []string{"labels"}, exits: []int{1, 3}},
		"current folder is gone":        {shell: `mkdir gone && cd gone && rmdir ../gone && exec "$@"`, args: []string{"deploy"}, exits: []int{1}},
		"temporary folder is not there": {shell: `TMPDIR=/nowhere exec "$@"`, args: []string{"deploy"}, exits: []int{1}, says: "/nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(tc.shell, "/dev/full") {
				if _, err := os.Stat("/dev/full"); err != nil {
					return // this system has none
				}
			}
			p := newPlace(t, map[string]string{"ploomber-cloud.json": myProject, "app.py": "import streamlit\n"})
			before := readable(p.app)
			c := exec.CommandContext(t.Context(), "sh", append([]string{"-c", tc.shell, "sh", builds.Path(t)}, tc.args...)...)
			c.Dir, c.Env = p.app, append(p.environ, tc.env...)
			exit, stdout, stderr := finish(t, c)
			fine := false
			for _, want := range tc.exits {
				fine = fine || exit == want
			}
			if !fine {
				t.Errorf("status %d, want %v", exit, tc.exits)
			}
			if !strings.Contains(stderr, tc.says) {
				t.Errorf("does not say %q", tc.says)
			}
			fit(t, stdout, stderr)
			unchanged(t, before, readable(p.app))
			if t.Failed() {
				t.Logf("%s%s", stdout, stderr)
			}
		})
	}
}
