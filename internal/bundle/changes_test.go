package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

// TestFilesThatChange changes the project between planning and packing.
func TestFilesThatChange(t *testing.T) {
	t.Parallel()
	outside := project(t, map[string]string{"secret.txt": "CANARY", "dir/b.txt": "CANARY"})
	for name, tc := range map[string]struct {
		change func(dir string) error
		want   string // content of the file; "" where it is left out
		file   string // that changes; a/b.txt where it is ""
	}{
		"grown": {change: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "a/b.txt"), []byte("longer content"), 0o600)
		}, want: "longer content"},
		"shrunk":    {change: func(dir string) error { return os.WriteFile(filepath.Join(dir, "a/b.txt"), []byte("s"), 0o600) }, want: "s"},
		"vanished":  {change: func(dir string) error { return os.Remove(filepath.Join(dir, "a/b.txt")) }},
		"no folder": {change: func(dir string) error { return os.RemoveAll(filepath.Join(dir, "a")) }},
		"saved by renaming": {change: func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "new"), []byte("new"), 0o600), os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a/b.txt")))
		}, want: "new"},
		"a folder now": {change: func(dir string) error { return swap(filepath.Join(dir, "a/b.txt"), "", true) }},
		"no folder but file": {change: func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "a")), os.WriteFile(filepath.Join(dir, "a"), nil, 0o600))
		}},
		"a key now": {change: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "a/b.txt"), []byte("CANARY\n"+realKey), 0o600)
		}},
		"link outside": {change: func(dir string) error {
			return swap(filepath.Join(dir, "a/b.txt"), filepath.Join(outside, "secret.txt"), false)
		}},
		"relative link outside": {change: func(dir string) error {
			return swap(filepath.Join(dir, "a/b.txt"), "../../"+filepath.Base(outside)+"/secret.txt", false)
		}},
		"folder is a link outside": {change: func(dir string) error { return swap(filepath.Join(dir, "a"), filepath.Join(outside, "dir"), false) }},
		"link to a secret":         {change: func(dir string) error { return swap(filepath.Join(dir, "a/b.txt"), "../.env", false) }},
		"the secret itself":        {change: func(dir string) error { return os.Rename(filepath.Join(dir, ".env"), filepath.Join(dir, "a/b.txt")) }},
		"link to another file":     {change: func(dir string) error { return swap(filepath.Join(dir, "a/b.txt"), "../z.txt", false) }},
		"link to nothing":          {change: func(dir string) error { return swap(filepath.Join(dir, "a/b.txt"), "gone", false) }},
		"folder is a link to git":  {change: func(dir string) error { return swap(filepath.Join(dir, "a"), ".git", false) }},
		"link's target goes astray": {change: func(dir string) error {
			return swap(filepath.Join(dir, "t.txt"), filepath.Join(outside, "secret.txt"), false)
		}, file: "l.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"a/b.txt": "planned", ".env": "CANARY", "z.txt": "z", "t.txt": "t", "l.txt": "-> t.txt", ".git/b.txt": "CANARY"})
			l := plan(t, dir, bundle.Rules{})
			if err := tc.change(dir); err != nil {
				t.Fatal(err)
			}
			if tc.file == "" {
				tc.file = "a/b.txt"
			}
			var out bytes.Buffer
			stats, err := bundle.Write(t.Context(), &out, l, bundle.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(out.Bytes(), []byte("CANARY")) {
				t.Error("content leaked")
			}
			files := unzip(t, out.Bytes())
			got, there := files[tc.file]
			dropped := slices.ContainsFunc(stats.Dropped, func(e bundle.Entry) bool { return e.Name == tc.file && !e.Ships && e.Missed })
			if there != (tc.want != "") || there == dropped || got.content != tc.want || stats.Files != len(files) || files["z.txt"].content != "z" {
				t.Errorf("packed %q (%v), dropped %+v; want %q", got.content, there, stats.Dropped, tc.want)
			}
		})
	}
}

// TestFilesThatChangeMeanwhile changes a file while its blocks are on the way: with one worker there are four of them,
// so that most of the file is unread at the first sign of progress.
func TestFilesThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	before, after := random(1, 8*mib), random(2, 7*mib)
	for name, tc := range map[string]struct {
		change         func(file string, times int) error // after the first block of each attempt
		want           []byte                             // nil where the file is left out
		growing        bool
		kind           bundle.Kind
		slept, changes int
	}{
		"once longer": {change: func(file string, times int) error { return appendTo(file, after, times < 2) }, want: slices.Concat(before, after), slept: 1},
		"longer all the time": {change: func(file string, _ int) error { return appendTo(file, []byte("x"), true) }, want: slices.Concat(before, []byte("xx")),
			growing: true, slept: 2},
		"once shorter": {change: func(file string, times int) error {
			if times > 1 {
				return nil
			}
			return os.Truncate(file, 6*mib)
		}, want: before[:6*mib], slept: 1},
		"another each time": {change: func(file string, times int) error {
			return os.Chtimes(file, time.Time{}, time.Unix(int64(times), 0))
		}, kind: bundle.Changed, slept: 2},
		"a key at its end": {change: func(file string, times int) error { return appendTo(file, []byte(realKey), times < 2) }, kind: bundle.Secret, slept: 1},
		"removed":          {change: func(file string, _ int) error { return os.RemoveAll(file) }, want: before},
		"saved by renaming": {change: func(file string, _ int) error {
			return errors.Join(os.WriteFile(file+"~", after, 0o600), os.Rename(file+"~", file))
		}, want: before},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"a.txt": "a", "b.txt": string(before), "c.txt": "c"})
			file := filepath.Join(dir, "b.txt")
			l := plan(t, dir, bundle.Rules{})
			if runtime.GOOS == "windows" && (name == "removed" || name == "saved by renaming") {
				t.Skip("an open file cannot be removed")
			}
			times, slept, at := 0, 0, int64(0)
			archive, err := bundle.Spool(t.Context(), l, t.TempDir(), bundle.Options{
				Workers: 1,
				Sleep:   func(context.Context, time.Duration) error { slept++; return nil },
				Progress: func(done, _ int64) {
					if at <= mib && done > mib && done < 3*mib { // the first block of b.txt is behind us
						times++
						if err := tc.change(file, times); err != nil {
							t.Error(err)
						}
					}
					at = done
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = archive.Close() }()
			data, err := io.ReadAll(archive.Open())
			if err != nil || int64(len(data)) != archive.Size {
				t.Fatalf("%d bytes, %v, want %d", len(data), err, archive.Size)
			}
			files := unzip(t, data)
			got, there := files["b.txt"]
			if there != (tc.want != nil) || got.content != string(tc.want) {
				t.Errorf("packed %v, %d bytes, want %d", there, len(got.content), len(tc.want))
			}
			if len(archive.Growing) == 1 != tc.growing || len(archive.Dropped) == 1 != (tc.want == nil) || slept != tc.slept {
				t.Errorf("growing %v, dropped %v, waited %d times, want %d", archive.Growing, archive.Dropped, slept, tc.slept)
			}
			if len(archive.Dropped) == 1 && archive.Dropped[0].Rule.Kind != tc.kind {
				t.Errorf("dropped: %v, want %s", archive.Dropped[0].Rule, tc.kind)
			}
			if archive.Files != len(files) || files["a.txt"].content != "a" || files["c.txt"].content != "c" {
				t.Errorf("%d files, counted %d", len(files), archive.Files)
			}
		})
	}
}

// TestFilesBeingWritten has a file that changed since the plan and is written to for two more waits: it is packed when
// it is complete. Nobody waits where nothing has changed.
func TestFilesBeingWritten(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		writes, slept int // how often someone writes, the first time before packing
		want          string
	}{
		"nothing changed": {0, 0, ""},
		"changed before":  {1, 1, "x"},
		"being written":   {3, 3, "xxx"},
		"all the time":    {100, 5, "xxxxxx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"a.csv": "", "b.csv": "b"})
			l := plan(t, dir, bundle.Rules{})
			written, slept := 0, 0
			write := func() {
				if written < tc.writes {
					written++
					if err := appendTo(filepath.Join(dir, "a.csv"), []byte("x"), true); err != nil {
						t.Error(err)
					}
				}
			}
			write()
			var out bytes.Buffer
			_, err := bundle.Write(t.Context(), &out, l, bundle.Options{Sleep: func(context.Context, time.Duration) error {
				slept++
				write()
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if got := unzip(t, out.Bytes())["a.csv"].content; got != tc.want || slept != tc.slept {
				t.Errorf("packed %q after %d waits, want %q after %d", got, slept, tc.want, tc.slept)
			}
		})
	}
}

func appendTo(file string, content []byte, do bool) error {
	if !do {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// TestKeysInside finds private keys in the middle of large files when they are packed, and before that where nothing is
// packed. Write cannot take back what it has written.
func TestKeysInside(t *testing.T) {
	t.Parallel()
	large := slices.Concat(text(1, 3<<20), []byte("\n"+realKey), text(2, 2<<20))
	dir := project(t, map[string]string{"app.py": "x", "notes.txt": "CANARY\n" + realKey, "allowed.txt": realKey, "key.txt": "-> notes.txt", "large.csv": string(large), "z.txt": "z"})
	rules := bundle.Rules{AllowSecrets: []string{"allowed.txt"}}
	const ships, stays = "allowed.txt app.py z.txt", "key.txt large.csv notes.txt"

	l := plan(t, dir, rules)
	if got := listed(l, false); got != "" {
		t.Errorf("a plan that does not search leaves out %s", got)
	}
	archive, err := bundle.Spool(t.Context(), l, t.TempDir(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	data, err := io.ReadAll(archive.Open())
	if err != nil {
		t.Fatal(err)
	}
	files := unzip(t, data)
	if got := strings.Join(slices.Sorted(maps.Keys(files)), " "); got != ships {
		t.Errorf("packs %s", got)
	}
	var dropped []string
	for _, e := range archive.Dropped {
		dropped = append(dropped, e.Name)
		if e.Ships || !e.Missed || e.Rule.Kind != bundle.Secret || e.Rule.Detail != "private key" {
			t.Errorf("dropped %+v", e)
		}
	}
	if got := strings.Join(dropped, " "); got != stays {
		t.Errorf("dropped %s", got)
	}
	if stats, err := bundle.Measure(t.Context(), l, bundle.Options{}); err != nil || stats.Size != archive.Size || stats.Files != 3 {
		t.Errorf("measured %+v, %v, want %d bytes", stats, err, archive.Size)
	}

	rules.Search = true
	l = plan(t, dir, rules)
	if got := listed(l, true) + "|" + listed(l, false); got != ships+"|"+stays {
		t.Errorf("a plan that searches: %s", got)
	}
	if len(l.Missed()) != 3 {
		t.Errorf("missed: %v", l.Missed())
	}
}

// swap replaces a file or folder by a link, or by an empty folder.
func swap(path, target string, folder bool) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if folder {
		return os.Mkdir(path, 0o755)
	}
	return os.Symlink(target, path)
}
