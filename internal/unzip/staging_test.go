package unzip_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

// Whatever part of the files is already there, the rest comes; a file with other content stops everything.
func TestExtractGoesOn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcdef", 5000) // several reads
	files := []file{{name: "app.py", data: "new"}, {name: "d/long", data: long}, {name: "e/"}, {name: "empty"}}
	want := map[string]string{"app.py": "new", "d": "/", "d/long": long, "e": "/", "empty": ""}
	for name, tc := range map[string]struct {
		there map[string]string
		stops bool
	}{
		"nothing is there":    {},
		"one file":            {there: map[string]string{"app.py": "new"}},
		"a long and an empty": {there: map[string]string{"d/long": long, "empty": ""}},
		"everything":          {there: map[string]string{"app.py": "new", "d/long": long, "empty": ""}},
		"another text":        {there: map[string]string{"app.py": "old"}, stops: true},
		"another end":         {there: map[string]string{"d/long": long[1:] + "x"}, stops: true},
		"a part":              {there: map[string]string{"d/long": long[:len(long)-1]}, stops: true},
		"more":                {there: map[string]string{"empty": "x"}, stops: true},
	} {
		for place, staging := range map[string]string{"inside": "", "outside": t.TempDir()} {
			t.Run(name+", "+place, func(t *testing.T) {
				t.Parallel()
				dest := t.TempDir()
				write(t, dest, tc.there)
				before := tree(t, dest)
				list, err := extract(archive(t, files...), dest, unzip.Options{Staging: staging})
				if tc.stops {
					if !errors.Is(err, unzip.ErrExists) || !maps.Equal(tree(t, dest), before) {
						t.Errorf("%v, left %v", err, tree(t, dest))
					}
					return
				}
				if err != nil || len(list) != 3 || !maps.Equal(tree(t, dest), want) {
					t.Errorf("%v, %q, left %v", err, list, tree(t, dest))
				}
			})
		}
	}
}

// Interrupted at any step, with files of an earlier run there: those stay, the others go, and nothing is left in the
// staging folder.
func TestExtractTakesBackWithStaging(t *testing.T) {
	t.Parallel()
	interrupted := 0
	for steps := 0; ; steps++ {
		dest, staging := t.TempDir(), t.TempDir()
		write(t, dest, map[string]string{"app.py": "new", "keep": "k"})
		before := tree(t, dest)
		r := archive(t, file{name: "app.py", data: "new"}, file{name: "d/b", data: "new"}, file{name: "c", data: "new"})
		_, err := unzip.Extract(&fuse{t.Context(), steps}, r, r.Size(), dest, unzip.Options{Staging: staging})
		want := before
		if err != nil {
			interrupted++
		} else {
			want = map[string]string{"app.py": "new", "d": "/", "d/b": "new", "c": "new", "keep": "k"}
		}
		if got := tree(t, dest); !maps.Equal(got, want) || len(tree(t, staging)) != 0 {
			t.Fatalf("after %d steps (%v) the folder holds %v, want %v; staging %v", steps, err, got, want, tree(t, staging))
		}
		if err == nil {
			break
		}
	}
	if interrupted < 6 { // four entries unpacked, some moved
		t.Errorf("interrupted only %d times", interrupted)
	}
}

// onlook is a context that looks into a folder whenever it is looked at.
type onlook struct {
	context.Context
	look func()
}

func (o onlook) Err() error { o.look(); return nil }

// Until the first file arrives, a folder that was there stays as it was: nothing is unpacked in it.
func TestExtractStagesOutside(t *testing.T) {
	t.Parallel()
	dest, staging := t.TempDir(), t.TempDir()
	write(t, dest, map[string]string{"keep": "k"})
	r := archive(t, file{name: "a", data: "1"}, file{name: "b", data: "2"})
	ctx := onlook{t.Context(), func() {
		for name := range tree(t, dest) {
			if strings.HasPrefix(filepath.Base(name), ".") {
				t.Errorf("meanwhile there is %s", name)
			}
		}
	}}
	if _, err := unzip.Extract(ctx, r, r.Size(), dest, unzip.Options{Staging: staging}); err != nil {
		t.Fatal(err)
	}
}
