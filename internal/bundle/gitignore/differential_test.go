package gitignore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/bundle/gitignore"
)

// repo is one generated case: ignore files by folder ("" is the top) and paths that they are asked about. A path
// ending in a slash is a folder.
type repo struct {
	ignore map[string]string
	paths  []string
}

// TestGitAgrees compares us with "git check-ignore" on repositories of random ignore files and paths. Each asks
// git once about all its paths. PLOOMBER_TEST_CASES sets the number of verdicts, PLOOMBER_TEST_SEED the seed.
func TestGitAgrees(t *testing.T) {
	t.Parallel()
	git := newGit(t)
	cases, seed := number(t, "PLOOMBER_TEST_CASES", 12_000), number(t, "PLOOMBER_TEST_SEED", 1)
	for n := 0; n < cases && !t.Failed(); seed++ {
		r := generate(rand.New(rand.NewPCG(uint64(seed), 0)))
		git.compare(t, fmt.Sprintf("seed %d", seed), r)
		n += len(r.paths)
	}
}

// TestGitAgreesOnDrawnPatterns does the same with rapid's generator, whose failures shrink to a small example.
func TestGitAgreesOnDrawnPatterns(t *testing.T) {
	t.Parallel()
	git := newGit(t)
	line := rapid.StringOfN(rapid.SampledFrom([]rune(`ab*?[]!-^\/ .:#`)), 0, 9, -1)
	part := rapid.StringMatching(`[ab\-!\]^:# \\][ab\-!\]^: \\*?]{0,2}`)
	rapid.Check(t, func(rt *rapid.T) {
		r := repo{ignore: map[string]string{
			"": strings.Join(rapid.SliceOfN(line, 1, 5).Draw(rt, "lines"), "\n"),
		}}
		for _, parts := range rapid.SliceOfN(rapid.SliceOfN(part, 1, 4), 40, 40).Draw(rt, "paths") {
			r.paths = append(r.paths, strings.Join(parts, "/"))
		}
		git.compare(rt, "drawn", r)
	})
}

// TestGitAgreesOnBytes asks about every byte a name may have, so that the POSIX classes are git's own.
func TestGitAgreesOnBytes(t *testing.T) {
	t.Parallel()
	git := newGit(t)
	classes := []string{
		"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit",
		"bogus", "", "ALPHA",
	}
	r := repo{ignore: map[string]string{}}
	for i, class := range classes {
		for j, pattern := range []string{"x[[:%s:]]", "x[![:%s:]]", "x[[:%s:]-z]", "x[a-[:%s:]]", "x[[:%s:]", "x[[:%s]"} {
			folder := fmt.Sprintf("d%d-%d", i, j) // one for each pattern, so that git is started once
			r.ignore[folder] = fmt.Sprintf(pattern, class)
			for c := 1; c < 256; c++ {
				if c != '/' {
					r.paths = append(r.paths, folder+"/x"+string([]byte{byte(c)}))
				}
			}
		}
	}
	git.compare(t, "classes", r)
}

// TestGitAgreesOnLines covers how lines end and begin.
func TestGitAgreesOnLines(t *testing.T) {
	t.Parallel()
	git := newGit(t)
	paths := []string{
		"a", "a ", "a  ", "a\\", "a\r", "a\t", " a", "b", "#a", "!a", "\ufeffa", "a/b", "a/b/c", "b/a", "x/a/b", "x/y/a",
		"dir/", "dir/a", "foo", "foobar", "foo/bar", "foo/x/bar", "foo/x/y/bar", "foox/bar", "]", "-", "a-", "[a]",
	}
	r := repo{ignore: map[string]string{}}
	for _, content := range []string{
		"a", "a\n", "a\r\n", "a\r", "a\r\r\n", "a \n", "a\\ \n", "a\\  \n", "a \\ \n", "a\\\\ \n", "a\t\n", "a\\", " a",
		"\ufeffa", "\ufeffa\n\ufeffb", "\ufeff#a", "\xef\xbba", "#a", "\\#a", "!a", "\\!a", "a\n!a", "*\n!a\n", "a\x00b\n", "\x00a\n",
		"!", "/", "//", "/a", "//a", "a//", "/a/", "a/", "a/b", "a/*", "a/**", "**/a", "**/a/**", "/**", "**", "***", "a/***/b",
		"**a", "a**", "a**/b", "foo**/bar", "foo**bar", "foo/**/bar", "foo/**\\/bar", "foo**\\/bar", "**\\/a", "\\**/a", "/*", "/*/",
		"*/", "*/a", "*/*", "a/**/**/b", "[]]", "[!]]", "[]-a]", "[a-]", "[-a]", "[a", "[]", "[!]", "[]a", "[\\]]", "[[]a]", "a[-]", "\\[a]",
		"x/**/", "x/**/*", "x/*\n!x/y", "x\n!x/a", "*\n!*/", "*\n!*/\n!a", "dir/\n!dir/a", "dir/*\n!dir/a", "\r\na", "  \nb", "\\ a", "b\\ ", "[[:alpha:]", "[[:alpha:]]",
		"[a-c-e]", "[c-a]", "[\\a-c]", "[a-\\c]", "[^a]", "[!a]*", "?", "??", "?/?", "a?b", "a[/]b", "a[!x]b", "*a*b*", "*?*", "a\\/b", "\\a/b", "\\",
	} {
		folder := fmt.Sprintf("d%d", len(r.ignore))
		r.ignore[folder], r.ignore[folder+"/x"] = content, "y\n!b"
		for _, p := range paths {
			r.paths = append(r.paths, folder+"/"+p)
		}
	}
	git.compare(t, "lines", r)
	git.compare(t, "top", repo{ignore: map[string]string{"": "/a\nb/\n!b/c\nx/**/b"}, paths: paths})
}

// generate makes a repository in which patterns and paths have a fair chance to meet.
func generate(r *rand.Rand) repo {
	parts := []string{"a", "b", "ab", "abc", "foo", "bar", "a b", "x ", "-", "]", "[", "!", "#", "a.py", "b.txt", ".c", "é", "A", "9", "^", "\\", "*", "?"}
	pieces := []string{
		"a", "b", "ab", "foo", "bar", "*", "*", "**", "**/", "/**", "/**/", "?", "/", "/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]", "[]]", "[!]a]",
		"[a-", "[[:alpha:]]", "[[:digit:][:upper:]]", "[[:foo:]]", "[:alpha:]", "[\\]]", "[a\\-c]", "[--0]", "\\", "\\*", "\\a", "\\\\", "\\ ", " ",
		"!", "#", ".", "***", "*.py", "*.txt", "é", "\xc3", "x", "-", "^", "]", "[", "\t", "c", "A", "9", "\\/",
	}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	join := func(n int) string {
		names := make([]string, n)
		for i := range names {
			names[i] = pick(parts)
		}
		return strings.Join(names, "/")
	}
	lines := func() string {
		var out strings.Builder
		for range 1 + r.IntN(6) {
			if r.IntN(4) == 0 {
				out.WriteString("!")
			}
			if r.IntN(5) == 0 {
				out.WriteString("/")
			}
			if r.IntN(4) == 0 { // a path as it is, or with one part replaced
				names := strings.Split(join(1+r.IntN(4)), "/")
				if r.IntN(2) == 0 {
					names[r.IntN(len(names))] = pick([]string{"*", "**", "?", "[a-z]*", "*b*", "?*", "**b"})
				}
				out.WriteString(strings.Join(names, "/"))
			} else {
				for range 1 + r.IntN(5) {
					out.WriteString(pick(pieces))
				}
			}
			out.WriteString(pick([]string{"", "", "", "", "/", " ", "  ", "\r"}))
			out.WriteString(pick([]string{"\n", "\n", "\n", "\n", "\r\n", "\n\n"}))
		}
		text := out.String()
		if r.IntN(10) == 0 {
			text = "\ufeff" + text
		}
		if r.IntN(4) == 0 {
			text = strings.TrimSuffix(text, "\n")
		}
		return text
	}
	g := repo{ignore: map[string]string{"": lines()}}
	for range r.IntN(4) {
		g.ignore[join(1+r.IntN(2))] = lines()
	}
	var folders []string
	for folder := range g.ignore {
		folders = append(folders, folder)
	}
	sort.Strings(folders)
	for range 150 {
		p := path.Join(pick(folders), join(1+r.IntN(4)))
		if r.IntN(4) == 0 {
			p += "/"
		}
		g.paths = append(g.paths, p)
	}
	return g
}

// git runs the real program, cut off from the user's own settings.
type git struct {
	program string
	env     []string
	dir     func() string
}

func newGit(t *testing.T) *git {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("git is not installed")
	}
	home := t.TempDir()
	n := 0
	return &git{
		program: program,
		env: append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_NOSYSTEM=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.ignorecase", "GIT_CONFIG_VALUE_0=false"),
		dir: func() string {
			n++
			return filepath.Join(home, "r"+strconv.Itoa(n))
		},
	}
}

type fataler interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

func (g *git) run(t fataler, dir, stdin string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(g.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, g.env, strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: no path is ignored
		t.Fatal(fmt.Sprintf("git %v: %v: %s", args, err, stderr.String()))
	}
	return out
}

// compare puts r on disk, asks git about its paths and reports where our verdict is another.
func (g *git) compare(t fataler, name string, r repo) {
	t.Helper()
	dir := g.dir()
	defer func() { _ = os.RemoveAll(dir) }()
	write := func(file, content string) {
		if os.MkdirAll(filepath.Dir(file), 0o755) != nil || os.WriteFile(file, []byte(content), 0o600) != nil {
			t.Fatal("cannot write " + file)
		}
	}
	write(filepath.Join(dir, ".git", "HEAD"), "ref: refs/heads/main\n")
	write(filepath.Join(dir, ".git", "refs", "x"), "")
	write(filepath.Join(dir, ".git", "objects", "x"), "")
	for folder, content := range r.ignore {
		write(filepath.Join(dir, folder, ".gitignore"), content)
	}
	folder := make(map[string]bool)
	seen := make(map[string]bool)
	var ask []string
	for _, p := range r.paths {
		plain, isFolder := strings.CutSuffix(p, "/")
		if isFolder && os.MkdirAll(filepath.Join(dir, plain), 0o755) != nil {
			continue
		}
		if !seen[plain] {
			seen[plain] = true
			ask = append(ask, plain)
		}
	}
	for _, p := range ask { // a path that is not there is a file to git, and so are we told below
		info, err := os.Stat(filepath.Join(dir, p))
		folder[p] = err == nil && info.IsDir()
	}
	// "./" keeps a leading ":" from being read as pathspec magic
	out := g.run(t, dir, "./"+strings.Join(ask, "\x00./")+"\x00", "check-ignore", "--no-index", "--stdin", "-z", "-v", "-n")
	fields := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(fields) != 4*len(ask) {
		t.Fatal(fmt.Sprintf("%s: git gave %d fields for %d paths", name, len(fields), len(ask)))
	}
	for i, p := range ask {
		source, line, pattern := fields[4*i], fields[4*i+1], fields[4*i+2]
		// git reports the line that matched, also one that keeps the path: those start with "!"
		want := "kept"
		if pattern != "" {
			want = fmt.Sprintf("ignored by %s:%s", source, line)
			if strings.HasPrefix(pattern, "!") {
				want = fmt.Sprintf("kept by %s:%s", source, line)
			}
		}
		if got := ours(r, p, folder[p]); got != want {
			t.Errorf("%s: %q (folder %v): %s, git says %s %q; ignore files %q", name, p, folder[p], got, want, pattern, r.ignore)
		}
	}
}

// ours walks down to p as the packager does.
func ours(r repo, p string, folder bool) string {
	content := func(folder string) []byte {
		if text, ok := r.ignore[folder]; ok {
			return []byte(text)
		}
		return nil
	}
	tree := gitignore.Root(content(""))
	names := strings.Split(p, "/")
	for i, name := range names[:len(names)-1] {
		tree = tree.Enter(name, content(strings.Join(names[:i+1], "/")))
	}
	v := tree.Verdict(names[len(names)-1], folder)
	switch {
	case v.Ignored:
		return fmt.Sprintf("ignored by %s.gitignore:%d", v.Folder, v.Line)
	case v.Line > 0:
		return fmt.Sprintf("kept by %s.gitignore:%d", v.Folder, v.Line)
	default:
		return "kept"
	}
}

func number(t *testing.T, name string, fallback int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
