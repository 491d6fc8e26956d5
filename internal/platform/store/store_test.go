package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/store/storetest"
)

var _ storetest.Store = (*Store)(nil)

// TestMain turns the test program into one of the processes that tests kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv(victimVariable); dir != "" {
		if err := victim(dir, os.Getenv(workVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func clock() time.Time { return storetest.Epoch }

// open opens the store of a folder. It is closed when the test ends.
func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), Options{Dir: dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, t.TempDir()) })
}

func BenchmarkProjects(b *testing.B) { storetest.BenchmarkProjects(b, open(b, b.TempDir())) }

// deployed makes a project with one deployment that has a secret.
func deployed(t testing.TB, s *Store) platform.Deployment {
	t.Helper()
	d, err := deploy(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func deploy(ctx context.Context, s *Store) (d platform.Deployment, err error) {
	owner, err := s.User(ctx, platform.OwnerName)
	if errors.Is(err, platform.ErrNotFound) {
		owner, _, err = s.CreateUser(ctx, platform.OwnerName, platform.Owner)
	}
	if err != nil {
		return d, err
	}
	p, err := s.CreateProject(ctx, owner, platform.Streamlit, 0)
	if err != nil {
		return d, err
	}
	d, _, err = s.Submit(ctx, submission(p.ID))
	return d, err
}

const canary = "canary-value-of-a-secret"

func submission(project string) platform.Submission {
	return platform.Submission{
		Project: project, Release: platform.Release{Type: platform.Streamlit, Archive: "archive"},
		Secrets: platform.Secrets{
			Variables: []platform.Variable{{Name: "TOKEN", Value: canary}},
			Login:     &platform.Credentials{Username: canary + "-user", Password: canary + "-password"},
		},
	}
}

// wantSecret checks that the secrets of a deployment can be read.
func wantSecret(t testing.TB, s *Store, id string) {
	t.Helper()
	secrets, err := s.Secrets(context.Background(), id)
	if err != nil || secrets.Vars()["TOKEN"] != canary {
		t.Errorf("secrets of %s: %+v, %v", id, secrets, err)
	}
}

// Neither secrets nor API keys are in any file of the database.
func TestNothingSecretOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	deployed(t, s)
	_, key, err := s.CreateUser(t.Context(), "ann", platform.Pro)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := s.RotateUserKey(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, FileName+"*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{canary, key, rotated} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s has a secret in plain text", path)
			}
		}
	}
	for _, name := range []string{FileName, FileName + "-wal", FileName + "-shm", KeyFileName} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("%s: %v, %v; want it for the owner only", name, info, err)
		}
	}
}

// Secrets cannot be moved to another deployment by someone who can write the database but has no key.
func TestSecretsBelongToTheirDeployment(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	mine, other := deployed(t, s), deployed(t, s)
	if _, err := s.db.Write.Exec("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE deployment = ?) WHERE deployment = ?",
		mine.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	if secrets, err := s.Secrets(t.Context(), other.ID); err == nil {
		t.Errorf("read %+v", secrets)
	}
	wantSecret(t, s, mine.ID)
}

// A command works on the file while the platform serves.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serving, command := open(t, dir), open(t, dir)
	d := deployed(t, serving)
	_, key, err := command.CreateUser(t.Context(), "ann", platform.Pro)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := serving.UserByKey(t.Context(), key); err != nil {
		t.Errorf("a user that the command has made: %v", err)
	}
	for range 3 {
		if err := command.RotateKey(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantSecret(t, serving, d.ID)
		d, _, err = serving.Submit(t.Context(), submission(d.Project)) // with the new key
		if err != nil {
			t.Fatal(err)
		}
		wantSecret(t, command, d.ID)
	}
	if err := command.RemoveUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := serving.UserByKey(t.Context(), key); !errors.Is(err, platform.ErrNotFound) {
		t.Errorf("a user that the command has removed: %v", err)
	}
	late := open(t, dir)
	wantSecret(t, late, d.ID)
	if keys, err := readKeyFile(filepath.Join(dir, KeyFileName)); err != nil || len(keys.keys) != 1 {
		t.Errorf("the key file has %v, %v; want the last key only", keys, err)
	}
}

// Secrets are submitted and read while the key is rotated by this process and another one.
func TestRotateUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, other := open(t, dir), open(t, dir)
	d := deployed(t, s)
	done := make(chan error, 4)
	for _, work := range []func() error{
		func() error { return s.RotateKey(context.Background()) },
		func() error { return other.RotateKey(context.Background()) },
		func() error { _, err := s.Secrets(context.Background(), d.ID); return err },
		func() error {
			_, _, err := other.Submit(context.Background(), submission(d.Project))
			return err
		},
	} {
		go func() {
			var err error
			for i := 0; i < 10 && err == nil; i++ {
				err = work()
			}
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	all, err := open(t, dir).Deployments(t.Context(), d.Project)
	if err != nil || len(all) != 11 {
		t.Fatalf("%d deployments, %v", len(all), err)
	}
	for _, d := range all {
		wantSecret(t, s, d.ID)
	}
}

// When no name is free an error says so.
func TestNoNameIsFree(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	owner, _, err := s.CreateUser(t.Context(), platform.OwnerName, platform.Owner)
	if err != nil {
		t.Fatal(err)
	}
	s.random = constant{}
	if _, err := s.CreateProject(t.Context(), owner, platform.Dash, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateProject(t.Context(), owner, platform.Dash, 0); !errors.Is(err, platform.ErrExists) {
		t.Errorf("error %v", err)
	}
	s.random = strings.NewReader("")
	if _, err := s.CreateProject(t.Context(), owner, platform.Dash, 0); err == nil {
		t.Error("a project was made without randomness")
	}
}

// constant is the worst source of randomness.
type constant struct{}

func (constant) Read(p []byte) (int, error) { clear(p); return len(p), nil }
