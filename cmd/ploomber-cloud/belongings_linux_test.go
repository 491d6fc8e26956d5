package main_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ploomber/ploomber-cloud/internal/testkit/mounts"
)

// rewriting are commands that change files which are there, with those files.
func rewriting() map[string]struct {
	args  []string
	stdin string
	files []string
} {
	const env, config = "app/.env", "app/ploomber-cloud.json"
	type command = struct {
		args  []string
		stdin string
		files []string
	}
	return map[string]command{
		"secrets set":        {[]string{"secrets", "set", "B", "--stdin"}, "new", []string{env}},
		"secrets unset":      {[]string{"secrets", "unset", "A"}, "", []string{env}},
		"secrets import":     {[]string{"secrets", "import", "-"}, "B=new", []string{env}},
		"auth add":           {[]string{"auth", "--add", "--feature", "main_app", "--username", "ana", "--password-stdin"}, "CANARY_b", []string{env, config}},
		"auth add, no key":   {[]string{"auth", "--add", "--feature", "main_app", "--username", "ana", "--password-stdin", "--offline"}, "CANARY_b", []string{env, config}},
		"templates auth0":    {[]string{"templates", "auth0", "--client-id", "id", "--issuer", "https://id.example.com", "--client-secret-stdin"}, "CANARY_b", []string{env, config}},
		"labels":             {[]string{"labels", "--add", "new"}, "", []string{config}},
		"resources":          {[]string{"resources", "--gpu", "0", "--cpu", "1", "--ram", "2"}, "", []string{config}},
		"init force":         {[]string{"init", "--force", "--type", "flask"}, "", []string{config}},
		"init from existing": {[]string{"init", "--from-existing", "--only-config", "--force", "--project", "my-app"}, "", []string{config}},
		"github":             {[]string{"github", "--yes", "--add-secrets"}, "", []string{config, "app/.github/workflows/ploomber-cloud.yaml"}},
		"key":                {[]string{"key", "--stdin"}, "CANARY_b", []string{"home/.ploomber/stats/config.yaml"}},
	}
}

func rewritten(t *testing.T) *place {
	t.Helper()
	p := newPlace(t, map[string]string{
		".env": "A=CANARY_a\n", "ploomber-cloud.json": myProject, "app.py": "import streamlit\n", ".git/HEAD": "",
		".github/workflows/ploomber-cloud.yaml": "old", "../home/.ploomber/stats/config.yaml": "cloud_key: old\n",
	})
	p.cloud.SetPage("/workflow.yaml", 200, []byte("env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\n"))
	return p
}

// Whatever command replaces a file, its owner, group and mode stay.
func TestReplacedFilesKeepTheirOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	for name, tc := range rewriting() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := rewritten(t)
			before := readTree(t, p.root)
			for _, file := range tc.files {
				path := filepath.Join(p.root, file)
				if err := errors.Join(os.Chown(path, 1000, 1001), os.Chmod(path, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if exit, stdout, stderr := p.run(t, tc.stdin, tc.args...); exit != 0 {
				t.Fatalf("status %d\n%s%s", exit, stdout, stderr)
			}
			after := readTree(t, p.root)
			for _, file := range tc.files {
				info, err := os.Stat(filepath.Join(p.root, file))
				if err != nil {
					t.Fatal(err)
				}
				s, _ := info.Sys().(*syscall.Stat_t)
				if s.Uid != 1000 || s.Gid != 1001 || s.Mode&0o7777 != 0o600 || before[file] == after[file] {
					t.Errorf("%s is of %d:%d with mode %o, and changed: %v", file, s.Uid, s.Gid, s.Mode&0o7777, before[file] != after[file])
				}
			}
		})
	}
}

// Every file of a command may be one that a container mounts: it gets the same content.
func TestMountedFilesAreWritten(t *testing.T) {
	t.Parallel()
	if err := mounts.Private(); err != nil {
		t.Skip(err)
	}
	for name, tc := range rewriting() {
		if exit, stdout, stderr := rewritten(t).run(t, tc.stdin, tc.args...); exit != 0 {
			t.Fatalf("%s: status %d\n%s%s", name, exit, stdout, stderr)
		}
		for _, file := range tc.files {
			t.Run(name+" with "+file, func(t *testing.T) {
				if err := mounts.Private(); err != nil {
					t.Fatal(err)
				}
				p := rewritten(t)
				path, real := filepath.Join(p.root, file), filepath.Join(t.TempDir(), "real")
				old, err := os.ReadFile(path)
				if err := errors.Join(err, os.WriteFile(real, old, 0o640)); err != nil {
					t.Fatal(err)
				}
				mounts.Bind(t, real, path)
				names := slices.Sorted(maps.Keys(readTree(t, p.app)))
				exit, stdout, stderr := p.run(t, tc.stdin, tc.args...)
				now, err := os.ReadFile(real)
				if exit != 0 || err != nil || string(now) == string(old) {
					t.Errorf("status %d, %v, the file is changed: %v\n%s%s", exit, err, string(now) != string(old), stdout, stderr)
				}
				if left := slices.Sorted(maps.Keys(readTree(t, p.app))); !slices.Equal(left, names) {
					t.Errorf("the folder holds %q, want %q", left, names)
				}
			})
		}
	}
}

// Where one of the files of a command cannot be written, none is, and nothing is made on the platform.
func TestUnwritableFilesChangeNothing(t *testing.T) {
	t.Parallel()
	commands := rewriting()
	for _, key := range []string{"init from existing", "key"} { // they have but one file, and make nothing
		delete(commands, key)
	}
	for name, tc := range commands {
		for _, file := range tc.files {
			t.Run(name+" with "+file, func(t *testing.T) {
				t.Parallel()
				if err := mounts.Private(); err != nil {
					t.Skip(err)
				}
				p := rewritten(t)
				mounts.ReadOnly(t, filepath.Join(p.root, file))
				p.refuses(t, tc.stdin, tc.args...)
			})
		}
	}
	for name, tc := range map[string]struct {
		args  []string
		stdin string
		files map[string]string
		bad   func(t *testing.T, app string)
	}{
		"auth of a new project, .env is read-only": {
			commands["auth add"].args, "CANARY_b\ny\n", map[string]string{".env": "A=1\n"},
			func(t *testing.T, app string) { mounts.ReadOnly(t, filepath.Join(app, ".env")) },
		},
		"auth of a new project, .env is not text": {
			commands["auth add"].args, "CANARY_b\ny\n", map[string]string{".env": "\xff\n"}, nil,
		},
		"auth of a new project, the password is not text": {
			commands["auth add"].args, "CANARY_b\xff\ny\n", nil, nil,
		},
		"auth0 of a new project, .env is read-only": {
			commands["templates auth0"].args, "CANARY_b\ny\n", map[string]string{".env": "A=1\n"},
			func(t *testing.T, app string) { mounts.ReadOnly(t, filepath.Join(app, ".env")) },
		},
		"auth0 of a new project, the issuer is none": {
			[]string{"templates", "auth0", "--client-id", "id", "--issuer", "ftp://id.example.com"}, "y\nCANARY_b\n", nil, nil,
		},
		"vllm in a read-only folder": {
			[]string{"templates", "vllm", "--model", "a/b", "--deploy=false"}, "", map[string]string{}, mounts.ReadOnly,
		},
		"init on a full disk": {
			[]string{"init", "--type", "flask"}, "", map[string]string{}, fullOf(nil),
		},
		"init with a mounted configuration on a full disk": {
			commands["init force"].args, "", map[string]string{"ploomber-cloud.json": myProject},
			func(t *testing.T, app string) {
				elsewhere := t.TempDir()
				fullOf([]string{"ploomber-cloud.json"})(t, elsewhere)
				mounts.Bind(t, filepath.Join(elsewhere, "ploomber-cloud.json"), filepath.Join(app, "ploomber-cloud.json"))
			},
		},
		"auth of a new project on a full disk": {
			commands["auth add"].args, "CANARY_b\ny\n", map[string]string{}, fullOf(nil),
		},
		"labels on a full disk": {commands["labels"].args, "", map[string]string{"ploomber-cloud.json": myProject}, fullOf([]string{"ploomber-cloud.json"})},
		"vllm on a full disk":   {[]string{"templates", "vllm", "--model", "a/b", "--deploy=false"}, "", map[string]string{}, almostFull},
		"download into a folder with a read-only configuration": {
			[]string{"init", "--from-existing", "--force", "--project", "my-app", "--dest", "."}, "",
			map[string]string{"ploomber-cloud.json": myProject},
			func(t *testing.T, app string) { mounts.ReadOnly(t, filepath.Join(app, "ploomber-cloud.json")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := mounts.Private(); err != nil {
				t.Skip(err)
			}
			if tc.files == nil {
				tc.files = map[string]string{"app.py": "import streamlit\n"}
			}
			p := newPlace(t, tc.files)
			p.cloud.SetPage("/api/models/a/b", 200, []byte("{}"))
			if tc.bad != nil {
				tc.bad(t, p.app)
			}
			p.refuses(t, tc.stdin, tc.args...)
		})
	}
}

// fullOf makes dir a file system without a free page, in which there is an app, and with it the configurations named.
func fullOf(configurations []string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		mounts.Memory(t, dir, "32k")
		files := map[string]string{"app.py": "import flask\n"}
		for _, name := range configurations {
			files[name] = myProject
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 1<<16), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("the file system is not full: %v", err)
		}
	}
}

// almostFull makes dir an empty file system with room for two files.
func almostFull(t *testing.T, dir string) {
	t.Helper()
	mounts.Memory(t, dir, "8k")
}

// refuses runs a command that must fail, change no file and ask the platform for no change.
func (p *place) refuses(t *testing.T, stdin string, args ...string) {
	t.Helper()
	before := readTree(t, p.app)
	exit, stdout, stderr := p.run(t, stdin, args...)
	if exit != 1 || !strings.Contains(stderr, "Error: ") {
		t.Errorf("status %d, want 1\n%s%s", exit, stdout, stderr)
	}
	fit(t, stdout, stderr)
	unchanged(t, before, readTree(t, p.app))
	for _, r := range p.cloud.Seen() {
		if r.Method != "GET" && r.Method != "HEAD" {
			t.Errorf("the platform was asked for %s", r)
		}
	}
}

// A file keeps its other names and what hangs on it.
func TestReplacedFilesKeepTheirLinks(t *testing.T) {
	t.Parallel()
	p := rewritten(t)
	env, other := filepath.Join(p.app, ".env"), filepath.Join(p.root, "other")
	if err := os.Link(env, other); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	marked := unix.Setxattr(env, "user.origin", []byte("vault"), 0) == nil
	if exit, stdout, stderr := p.run(t, "new", "secrets", "set", "B", "--stdin"); exit != 0 {
		t.Fatalf("status %d\n%s%s", exit, stdout, stderr)
	}
	text, err := os.ReadFile(other)
	if err != nil || string(text) != "A=CANARY_a\nB=new\n" {
		t.Errorf("the other name has %q, %v", text, err)
	}
	value := make([]byte, 16)
	if n, err := unix.Getxattr(env, "user.origin", value); marked && (err != nil || string(value[:n]) != "vault") {
		t.Errorf("the attribute is %q, %v", value[:max(n, 0)], err)
	}
}
