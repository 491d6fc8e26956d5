package bundle_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

// TestWalkAgreesWithGit compares the files that ship with those that git lists when it is told to read
// .ploomberignore files: the walk itself, nested files and folders that are left out as a whole.
func TestWalkAgreesWithGit(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("git is not installed")
	}
	home := t.TempDir()
	run := func(dir string, args ...string) string {
		cmd := exec.Command(git, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_NOSYSTEM=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.ignorecase", "GIT_CONFIG_VALUE_0=false")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	parts := []string{"a", "b", "c", "ab", "x.py", "y.txt", "a b", "-"}
	lines := []string{"a", "b/", "/a", "a/b", "*.py", "!*.py", "!a", "!b/", "a/*", "a/**", "**/b", "!**/c", "[a-b]", "*", "!*/", "?", "c/a", "!/c", "a b ", "/*/b", "!a/b/c"}
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 7))
		dir := t.TempDir()
		some := func(from []string, n int) []string {
			out := make([]string, 1+r.IntN(n))
			for i := range out {
				out[i] = from[r.IntN(len(from))]
			}
			return out
		}
		for range 120 {
			path := filepath.Join(dir, filepath.Join(some(parts, 4)...))
			if os.MkdirAll(filepath.Dir(path), 0o755) == nil {
				_ = os.WriteFile(path, nil, 0o600) // may be a folder already
			}
			if r.IntN(12) == 0 {
				_ = os.WriteFile(filepath.Join(filepath.Dir(path), bundle.IgnoreFileName), []byte(strings.Join(some(lines, 5), "\n")), 0o600)
			}
		}
		put(t, filepath.Join(dir, bundle.IgnoreFileName), strings.Join(some(lines, 4), "\r\n"))
		run(dir, "init", "-q", "--template=")
		want := strings.Split(strings.TrimSuffix(run(dir, "ls-files", "-o", "-z", "--exclude-per-directory="+bundle.IgnoreFileName), "\x00"), "\x00")
		slices.Sort(want)
		for _, full := range []bool{false, true} {
			if got := listed(plan(t, dir, bundle.Rules{Full: full}), true); got != strings.Join(want, " ") {
				t.Errorf("seed %d, full %v: got\n%s\ngit lists\n%s", seed, full, got, strings.Join(want, " "))
			}
		}
	}
}
