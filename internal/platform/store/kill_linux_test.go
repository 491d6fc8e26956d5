package store

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ploomber/ploomber-cloud/internal/testkit/ptrace"
)

// traced runs a victim that is killed at a stop, or ends by itself if at is 0.
func traced(t *testing.T, dir, work string, at int) ptrace.Outcome {
	t.Helper()
	scratch := t.TempDir()
	in := filepath.Join(scratch, "in")
	if err := os.WriteFile(in, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	outcome, err := ptrace.Run(ptrace.Command{Path: os.Args[0], Env: startVictim(dir, work).Env, Stdin: in, Out: filepath.Join(scratch, "out")}, at)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// A kill loses nothing that the kernel has. That the disk has it too before it is answered shows in the calls.
func TestAnsweredIsOnDisk(t *testing.T) {
	t.Parallel()
	outcome := traced(t, t.TempDir(), "deploy", 0)
	synced := 0
	for _, stop := range outcome.Stops {
		if stop.After && (stop.Call == unix.SYS_FSYNC || stop.Call == unix.SYS_FDATASYNC) {
			synced++
		}
	}
	if changes := 2 * deployments; outcome.Exit != 0 || synced < changes { // a project and a deployment each
		t.Errorf("exit status %d, %d calls of fsync for %d changes", outcome.Exit, synced, changes)
	}
}

// A rotation that is killed before or after a system call that changes a file leaves all secrets readable, and the next one works.
func TestRotationKilled(t *testing.T) {
	t.Parallel()
	run := func(at int) (ptrace.Outcome, *Store, string) {
		dir := t.TempDir()
		s := open(t, dir)
		id := deployed(t, s).ID
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return traced(t, dir, "rotate", at), open(t, dir), id
	}
	whole, _, _ := run(0)
	if whole.Exit != 0 {
		t.Fatalf("exit status %d", whole.Exit)
	}
	var points []int
	for i, stop := range whole.Stops {
		if stop.Changes {
			points = append(points, i+1)
		}
	}
	const most = 40
	killed := 0
	for i := range min(most, len(points)) {
		outcome, s, id := run(points[i*len(points)/min(most, len(points))])
		if outcome.Killed {
			killed++
		}
		wantSecret(t, s, id)
		checkWhole(t, s)
		if err := s.RotateKey(t.Context()); err != nil {
			t.Error(err)
		}
		wantSecret(t, s, id)
		if keys, err := readKeyFile(s.keyFile); err != nil || len(keys.keys) != 1 {
			t.Errorf("the key file has %v, %v; want one key", keys, err)
		}
		if t.Failed() {
			t.Fatalf("killed at %+v", whole.Stops[points[i*len(points)/min(most, len(points))]-1])
		}
	}
	if killed < 10 {
		t.Errorf("killed at %d of %d points", killed, len(points))
	}
	t.Logf("killed at %d of %d points", killed, len(points))
}
