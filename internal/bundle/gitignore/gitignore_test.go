package gitignore_test

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle/gitignore"
)

func TestVerdictNamesTheLine(t *testing.T) {
	t.Parallel()
	tree := gitignore.Root([]byte("# data\n*.csv\n!keep.csv\nbuild/\n"))
	data := tree.Enter("data", []byte("!*.csv\nraw.csv \n"))
	build := tree.Enter("build", []byte("!*\n"))
	for name, tc := range map[string]struct {
		tree    *gitignore.Tree
		file    string
		ignored bool
		line    int
		folder  string
		text    string
	}{
		"matched":                  {tree, "a.csv", true, 2, "", "*.csv"},
		"kept":                     {tree, "keep.csv", false, 3, "", "!keep.csv"},
		"no line":                  {tree, "a.py", false, 0, "", ""},
		"deeper file wins":         {data, "a.csv", false, 1, "data/", "!*.csv"},
		"spaces are cut":           {data, "raw.csv", true, 2, "data/", "raw.csv"},
		"nothing returns in there": {build, "a.py", true, 4, "", "build/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := tc.tree.Verdict(tc.file, false)
			if v.Ignored != tc.ignored || v.Line != tc.line || v.Folder != tc.folder || v.Text != tc.text {
				t.Errorf("got %+v", v)
			}
		})
	}
	if !build.Ignored() || data.Ignored() {
		t.Errorf("build ignored: %v, data ignored: %v", build.Ignored(), data.Ignored())
	}
}

// TestCostlyPatterns ends at once only where a pattern is not tried in every way it could be split.
func TestCostlyPatterns(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("a/", 2000) + "b"
	long := strings.Repeat("a", 4000) + "b"
	for _, pattern := range []string{
		strings.Repeat("**/", 200) + "c",
		strings.Repeat("**/a/", 200) + "c",
		strings.Repeat("**/*a*", 60) + "/c",
		strings.Repeat("*a", 500) + "c",
		"/" + strings.Repeat("*a*/", 500) + "c",
		strings.Repeat("*?", 500) + "c",
		strings.Repeat("[a-z]*", 500) + "c",
		strings.Repeat(`**\/`, 200) + "c",
		strings.Repeat("*", 100_000) + "c",
		strings.Repeat("[", 100_000),
	} {
		f := gitignore.Parse([]byte(pattern))
		for _, path := range []string{deep, long, strings.Repeat("aa/", 1000) + long} {
			if p, ok := f.Match(path, false); ok {
				t.Errorf("%.40q matches %.40q", p.Text, path)
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("**/**/**/**/x\n!a[[:alpha:]]*\\"), "a/b/c", true)
	f.Add([]byte("\ufeff/a/**/b/\r\n[]-z]?"), "a/x/b", false)
	f.Add([]byte("foo**/bar\n*a*b*c*"), "foobar", false)
	f.Fuzz(func(t *testing.T, content []byte, path string, folder bool) {
		file := gitignore.Parse(content)
		first, ok := file.Match(path, folder)
		second, again := file.Match(path, folder)
		if ok != again || first.Line != second.Line {
			t.Errorf("two answers for %q", path)
		}
		if lines := strings.Count(string(content), "\n") + 1; ok && (first.Line < 1 || first.Line > lines) {
			t.Errorf("line %d of %d", first.Line, lines)
		}
		if ok && first.Negated != strings.HasPrefix(first.Text, "!") {
			t.Errorf("%q negated: %v", first.Text, first.Negated)
		}
	})
}
