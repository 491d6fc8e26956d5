package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// TestHostedBuildsSeeNoSecrets looks at the variables of every command of a build.
func TestHostedBuildsSeeNoSecrets(t *testing.T) {
	t.Parallel()
	for name, hosting := range map[string]bool{"platform": true, "up": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "python3", "python", "index")
			m.packages = "flask gunicorn"
			b := m.builder(t.TempDir())
			b.Hosting = hosting
			b.Environ = append(b.Environ, "DATABASE_URL=postgres://canary", "PLOOMBER_CLOUD_OWNER=canary", "AUTH_SECRET=canary",
				"HTTPS_PROXY=http://proxy.example", "LC_ALL=C")
			b.Run = func(ctx context.Context, c platform.Command) error {
				sees := slices.ContainsFunc(c.Env, func(kv string) bool { return strings.Contains(kv, "canary") })
				if sees == hosting {
					t.Errorf("%s %q sees the platform's variables: %v", c.Path, c.Args, sees)
				}
				if platform.Lookup(c.Env, "HTTPS_PROXY") == "" || platform.Lookup(c.Env, "LC_ALL") == "" {
					t.Errorf("%s %q does not see how to reach the network: %q", c.Path, c.Args, c.Env)
				}
				if c.Background != hosting {
					t.Errorf("%s %q in the background: %v", c.Path, c.Args, c.Background)
				}
				return m.run(ctx, c)
			}
			built(t, b, flask(t))
		})
	}
}

// TestDiskFull refuses builds without space, and ends one that uses it up.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before  int64
		hosting bool
		want    string
	}{
		"before":              {spared - 1, false, "cache prune"},
		"meanwhile":           {spared, false, "cache prune"},
		"before, platform":    {spared - 1, true, "operator"},
		"meanwhile, platform": {spared, true, "operator"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "python3", "python", "index")
			m.packages, m.hold = "flask gunicorn", make(chan struct{})
			b := m.builder(t.TempDir())
			b.Hosting = tc.hosting
			var free atomic.Int64
			free.Store(tc.before)
			b.free = func(string) (int64, bool) { return free.Load(), true }
			go func() {
				select {
				case <-m.hold: // the installation has begun
					free.Store(0)
				case <-t.Context().Done():
				}
			}()
			_, err := b.Build(context.Background(), flask(t))
			problem := problemOf(err)
			if problem == nil || problem.Reason != platform.ReasonDisk || !strings.Contains(problem.Hint, tc.want) {
				t.Fatalf("error %v, %+v", err, problem)
			}
			if m.called("pip * install") > 1 {
				t.Errorf("went on with another installer: %q", m.calls)
			}
			left, _ := filepath.Glob(filepath.Join(b.envs(), "*", "*"))
			if _, err := os.Stat(b.downloads()); len(left) > 0 || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("left %q, downloads: %v", left, err)
			}
		})
	}
}

// TestReasons classifies what installers say, and names one next step that its reader can take.
func TestReasons(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]platform.Reason{
		"error: Failed to fetch: `http://host.example/six/`\n  Caused by: error sending request for url": platform.ReasonNetwork,
		"HTTP status server error (503 Service Unavailable) for url":                                     platform.ReasonNetwork,
		"ERROR: No matching distribution found for nothing-like-it":                                      platform.ReasonDependency,
		"Because nothing was not found in the package registry and you require nothing":                  platform.ReasonDependency,
		"Because a depends on b<2 and you require b>=2\nno solution found":                               platform.ReasonBuild,
		"OSError: [Errno 28] No space left on device":                                                    platform.ReasonDisk,
		"error: subprocess-exited-with-error":                                                            platform.ReasonBuild,
		"something else":                                                                                 platform.ReasonBuild,
	} {
		for _, hosting := range []bool{false, true} {
			v := venvBuild{Builder: &Builder{Hosting: hosting}}
			failed := &platform.Problem{Reason: platform.ReasonBuild, Msg: "installing failed", Output: strings.Split(said, "\n")}
			problem := problemOf(v.explained(failed, installer{name: "uv"}))
			if problem.Reason != want || problem.Hint == "" {
				t.Errorf("%s: reason %s, hint %q; want %s", said, problem.Reason, problem.Hint, want)
			}
			if hosting && (strings.Contains(problem.Hint, "--") && !strings.Contains(problem.Hint, "pip-compile") || strings.Contains(problem.Hint, "cache prune")) {
				t.Errorf("%s: the hint is for 'up': %s", said, problem.Hint)
			}
		}
	}
}
