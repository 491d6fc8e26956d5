package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

func refused(t *testing.T, path string, want error) {
	t.Helper()
	s, err := Open(context.Background(), path, testKeys("a"), time.Now)
	if err == nil {
		_ = s.Close()
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
		t.Errorf("Open = %v, want %v and the file's name", err, want)
	}
}

func TestOpenRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]func(path string) error{
		"text":       func(path string) error { return os.WriteFile(path, []byte("not for you"), 0o644) },
		"long text":  func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("text "), 1000), 0o644) },
		"only magic": func(path string) error { return os.WriteFile(path, []byte("SQLite format 3\x00"), 0o644) },
		"another program's database": func(path string) error {
			return execSQL(path, "PRAGMA journal_mode = WAL; CREATE TABLE precious (x); INSERT INTO precious VALUES (1)")
		},
		"another program's mark": func(path string) error {
			return execSQL(path, "PRAGMA application_id = 7; CREATE TABLE sessions (x)")
		},
		"our mark, other tables": func(path string) error {
			return errors.Join(execSQL(path, "PRAGMA application_id = 0x706c7368; CREATE TABLE precious (x)"), os.Chmod(path, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			if err := content(path); err != nil {
				t.Fatal(err)
			}
			before := contents(t, filepath.Dir(path))
			refused(t, path, ErrForeign)
			if after := contents(t, filepath.Dir(path)); after != before {
				t.Error("the file was changed")
			}
		})
	}
}

func execSQL(path, statements string) error {
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(statements)
	return errors.Join(err, db.Close())
}

// contents is all that is in a folder.
func contents(t *testing.T, folder string) string {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(f.Name() + info.Mode().String() + string(b))
	}
	return all.String()
}

func TestOpenRefusesPlaces(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	missing := filepath.Join(folder, "missing", "sessions.db")
	refused(t, missing, os.ErrNotExist)
	if _, err := os.Stat(filepath.Dir(missing)); err == nil {
		t.Error("the folder was made")
	}
	refused(t, folder, ErrForeign)

	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), filepath.Join(file, "sessions.db"), testKeys("a"), time.Now); err == nil {
		t.Error("a file is taken for a folder")
	}
}

func TestOpenRefusesSymbolicLinks(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	target := newPath(t)
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	refused(t, path, ErrForeign)
	if _, err := os.Stat(target); err == nil {
		t.Error("the target of the link was made")
	}
	if err := os.WriteFile(target, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		path := newPath(t)
		if suffix != "" {
			if err := open(t, path).Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(target, path+suffix); err != nil {
			t.Fatal(err)
		}
		refused(t, path, ErrForeign)
	}
	if b, err := os.ReadFile(target); err != nil || string(b) != "precious" {
		t.Errorf("the target of the link is %q, %v", b, err)
	}
}

func TestOpenRefusesNewer(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := execSQL(path, "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	refused(t, path, ErrNewer)
}

// The sessions of a file of version 2 cannot be read, so they do not stay in it, and Open reports them.
func TestOpenEndsSessionsOfVersion2(t *testing.T) {
	t.Parallel()
	var list []string
	for _, name := range []string{"0001_sessions.sql", "0002_claims.sql"} {
		text, err := schema.ReadFile("schema/" + name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text))
	}
	path := newPath(t)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := execSQL(path, strings.Join(list, "\n")+fmt.Sprintf(`
		INSERT INTO sessions (key, used, idle, expires, sealed) VALUES (x'01', 0, 1, 2, x'02'), (x'03', 0, 1, 2, x'04');
		INSERT INTO tags (tag, session) VALUES (x'05', 1);
		PRAGMA user_version = 2; PRAGMA application_id = %d`, applicationID))
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(t.Context(), path, testKeys("a")); err != nil {
		t.Errorf("Check: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("Check changed the file (%v)", err)
	}
	s := open(t, path)
	var tags int
	if err := s.read.QueryRowContext(t.Context(), "SELECT count(*) FROM tags").Scan(&tags); err != nil {
		t.Fatal(err)
	}
	if s.Lost() != 2 || rows(t, s) != 0 || tags != 0 {
		t.Errorf("%d sessions reported, %d left with %d tags, want 2, 0, 0", s.Lost(), rows(t, s), tags)
	}
	kept := newSession(1)
	put(t, s, kept)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if use(t, s, kept.Key, time.Minute); s.Lost() != 0 {
		t.Errorf("opened again, %d sessions were reported", s.Lost())
	}
}

func TestOpenWantsAKey(t *testing.T) {
	t.Parallel()
	for _, keys := range [][][]byte{nil, {}, {nil}, {{}, {}}} {
		path := newPath(t)
		if _, err := Open(context.Background(), path, keys, time.Now); !errors.Is(err, ErrNoKey) {
			t.Errorf("with %d keys: %v", len(keys), err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("the file was made")
		}
	}
}

func TestOnlyTheUserMayRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // access lists of the folder count there
	}
	check := func(path string) {
		t.Helper()
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%q: %v, %v", suffix, info.Mode(), err)
			}
		}
	}
	path := newPath(t)
	s := open(t, path)
	put(t, s, newSession(1))
	check(path)
	crash(t, s)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+suffix, 0o644); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	s = open(t, path)
	put(t, s, newSession(2))
	check(path)
}

// Letters that mean something in a URL mean nothing in a path.
func TestOpenTakesAnyPath(t *testing.T) {
	t.Parallel()
	name := "a b?mode=memory&x#%25 é.db"
	if runtime.GOOS == "windows" {
		name = "a b&x#%25 é.db"
	}
	path := filepath.Join(t.TempDir(), name)
	s := open(t, path)
	put(t, s, newSession(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatalf("%v, %v", info, err)
	}
	use(t, open(t, path), newSession(1).Key, 0)
}

// Nothing that was put into a session can be read in the files.
func TestFileShowsNothing(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path)
	for i := range 50 {
		p := newSession(i)
		p.Tags = []string{"canary of ann@example.com"}
		p.Grants[0].Scope, p.Grants[0].Fingerprint = "canary", "canary"
		p.Grants[0].Identity.Name, p.Grants[0].Identity.AccessToken = "canary@example.com", strings.Repeat("canary", 100)
		p.Grants[0].Login = &session.Login{Provider: "canary", Email: "canary", RefreshToken: "canary", Claims: map[string][]string{"canary": {"canary"}}}
		put(t, s, p)
	}
	if found := contents(t, filepath.Dir(path)); strings.Contains(found, "canary") || len(found) < 50*600 {
		t.Errorf("the files, of %d bytes, show what is in sessions", len(found))
	}
	if keys, err := s.DeleteTagged(context.Background(), "canary of ann@example.com"); err != nil || len(keys) != 50 {
		t.Errorf("%d sessions with the tag, %v", len(keys), err)
	}
}

func TestManyMayMakeTheFileAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		path := newPath(t)
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				s, err := Open(context.Background(), path, testKeys("a"), time.Now)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Create(context.Background(), newSession(i)); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s := open(t, path)
		for i := range 6 {
			use(t, s, newSession(i).Key, 0)
		}
	}
}

// A damaged file is an error or has lost sessions; this is not a crash and gives nobody a session.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path)
	for i := range 200 {
		put(t, s, newSession(i))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const headerSize = 100 // https://www.sqlite.org/fileformat.html, 1.3
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut off":        func(b []byte) []byte { return b[:len(b)/2] },
		"only its head":  func(b []byte) []byte { return b[:headerSize] },
		"overwritten":    func(b []byte) []byte { copy(b[headerSize:], bytes.Repeat([]byte{0xa5}, len(b))); return b },
		"pages scrawled": func(b []byte) []byte { copy(b[8192:], bytes.Repeat([]byte("scrawl"), 4000)); return b },
		"last page gone": func(b []byte) []byte { clear(b[len(b)-4096:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			if err := os.WriteFile(path, damage(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(context.Background(), path, testKeys("a"), time.Now)
			if err != nil {
				if !strings.Contains(err.Error(), path) {
					t.Errorf("the file is not named: %v", err)
				}
				return
			}
			defer func() { _ = s.Close() }()
			for i := range 200 {
				got, err := s.Use(context.Background(), newSession(i).Key, epoch)
				if err == nil && got.Grants[0].Identity != newSession(i).Grants[0].Identity {
					t.Errorf("session %d became %+v", i, got)
				}
			}
			_ = s.Create(context.Background(), newSession(1000))
		})
	}
}
