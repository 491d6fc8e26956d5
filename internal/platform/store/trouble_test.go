package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/sqlitefile"
)

// copied copies a folder of testdata.
func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{FileName, KeyFileName} {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Files of all schemas that were released open, with what was in them, and have the same tables as a new file afterwards.
func TestReleasedSchemas(t *testing.T) {
	t.Parallel()
	released, err := filepath.Glob(filepath.Join("testdata", "schema*"))
	steps, stepsErr := schema.ReadDir("schema")
	if err != nil || stepsErr != nil || len(released) != len(steps) {
		t.Fatalf("%d files of released schemas, %d migrations, %v, %v", len(released), len(steps), err, stepsErr)
	}
	want := tables(t, open(t, t.TempDir()))
	for _, from := range released {
		t.Run(filepath.Base(from), func(t *testing.T) {
			t.Parallel()
			s := open(t, copied(t, from))
			if got := tables(t, s); !reflect.DeepEqual(got, want) {
				t.Errorf("tables %q, want %q", got, want)
			}
			checkWhole(t, s)
			owner, err := s.UserByKey(t.Context(), "UF2TvhSJorsmjBwm9iK0cPvIn8spYcXHOiXHT5udLdU")
			if err != nil || owner.Name != platform.OwnerName {
				t.Errorf("owner %+v, %v", owner, err)
			}
			p, err := s.Project(t.Context(), "polite-fjord-4101")
			if err != nil || p.Owner != owner.ID || !reflect.DeepEqual(p.Labels, []string{"a"}) || !p.Sleep.Never {
				t.Errorf("project %+v, %v", p, err)
			}
			d, err := s.Deployment(t.Context(), p.Current)
			if err != nil || d.Number != 2 || d.State != platform.StateFailed || d.Lock != "lock" || d.Problem.Reason != platform.ReasonCrash ||
				d.Resources != platform.DefaultResources() {
				t.Errorf("deployment %+v, %v", d, err)
			}
			wantSecret(t, s, d.ID)
			if _, err := s.SetStatus(t.Context(), d.ID, platform.Status{State: platform.StateQueued}); err != nil {
				t.Error(err)
			}
			deployed(t, s)
		})
	}
}

// tables returns the SQL of everything in a database.
func tables(t *testing.T, s *Store) []string {
	t.Helper()
	rows, err := s.db.Read.QueryContext(t.Context(), "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name")
	all, err := collect(rows, err, func(r row) (text string, err error) { return text, r.Scan(&text) })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	write := func(name, text string) func(dir string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	}
	for name, tc := range map[string]struct {
		damage func(dir string) error
		want   error  // nil for any
		text   string // of the error, with a file of the folder where it begins with a slash
	}{
		"no key file":      {func(dir string) error { return os.Remove(filepath.Join(dir, KeyFileName)) }, ErrKey, "/" + KeyFileName},
		"another key":      {write(KeyFileName, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), ErrKey, "does not have the key"},
		"short key":        {write(KeyFileName, "# key\n\nAAAA\n"), ErrKey, "line 3"},
		"empty key file":   {write(KeyFileName, ""), ErrKey, "has no key"},
		"text":             {write(FileName, "hello"), sqlitefile.ErrForeign, "/" + FileName},
		"newer":            {func(dir string) error { return alter(dir, "PRAGMA user_version = 99") }, sqlitefile.ErrNewer, "update ploomber-cloud"},
		"another database": {func(dir string) error { return alter(dir, "PRAGMA application_id = 7") }, sqlitefile.ErrForeign, "platform database"},
		"damaged": {func(dir string) error {
			path := filepath.Join(dir, FileName)
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			copy(content[4096:], bytes.Repeat([]byte("x"), len(content)))
			copy(content[100:], bytes.Repeat([]byte("x"), 4000))
			return os.WriteFile(path, content, 0o600)
		}, nil, "restore it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, filepath.Join("testdata", "schema1"))
			if err := tc.damage(dir); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			s, err := Open(context.Background(), Options{Dir: dir, Now: clock})
			if err == nil {
				t.Fatal("it opened", s.Close())
			}
			text := tc.text
			if strings.HasPrefix(text, "/") {
				text = dir + text
			}
			if tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %q, want %q with %q", err, tc.want, text)
			}
			if after := contents(t, dir); !reflect.DeepEqual(after, before) {
				t.Errorf("the files changed: %d before, %d after", len(before), len(after))
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := Open(t.Context(), Options{Dir: missing, Now: clock}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

func alter(dir, statement string) error {
	format, err := format()
	if err != nil {
		return err
	}
	db, err := format.Open(context.Background(), filepath.Join(dir, FileName))
	if err != nil {
		return err
	}
	_, err = db.Write.Exec(statement)
	return errors.Join(err, db.Close())
}

// contents returns the text of the database and the key file of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{FileName, KeyFileName} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all[name] = fmt.Sprint(err == nil, string(content))
	}
	return all
}

// The key file of a backup is used, not overwritten, if it is there before the database.
func TestKeyFileFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k, err := generateKey(strings.NewReader(strings.Repeat("k", keySize)))
	if err != nil {
		t.Fatal(err)
	}
	content := (&keyring{keys: []secretKey{k}}).encode()
	if err := os.WriteFile(filepath.Join(dir, KeyFileName), content, 0o600); err != nil {
		t.Fatal(err)
	}
	wantSecret(t, open(t, dir), deployed(t, open(t, dir)).ID)
	if got, err := os.ReadFile(filepath.Join(dir, KeyFileName)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("key file %q, %v", got, err)
	}
}

// Another process that does not finish writing is named as the reason; who reads does not wait for it.
func TestLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, other := open(t, dir), open(t, dir)
	d := deployed(t, s)
	if _, err := s.db.Write.Exec("PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	tx, err := other.db.Write.Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Submit(t.Context(), submission(d.Project))
	if err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	wantSecret(t, s, d.ID)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if d, _, err := s.Submit(t.Context(), submission(d.Project)); err != nil || d.Number != 2 {
		t.Errorf("afterwards: number %d, %v", d.Number, err)
	}
}

// A client that goes away while others write does not leave half a change.
func TestCancelled(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	d := deployed(t, s)
	conn, err := s.db.Write.Conn(t.Context()) // another change is in progress
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Submit(ctx, submission(d.Project)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Deployments(t.Context(), d.Project); err != nil || len(all) != 1 {
		t.Errorf("%d deployments, %v; want 1", len(all), err)
	}
}
