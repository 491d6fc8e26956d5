package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/ptrace"
)

// A rotation that is killed before or after a system call that changes a file leaves all secrets readable, and the next one works.
func TestRotationKilled(t *testing.T) {
	t.Parallel()
	run := func(at int) (ptrace.Outcome, *Store, string) {
		dir, scratch := t.TempDir(), t.TempDir()
		s := open(t, dir)
		id := deployed(t, s).ID
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		in := filepath.Join(scratch, "in")
		if err := os.WriteFile(in, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		outcome, err := ptrace.Run(ptrace.Command{
			Path: os.Args[0], Env: startVictim(dir, "rotate").Env, Stdin: in, Out: filepath.Join(scratch, "out"),
		}, at)
		if err != nil {
			t.Fatal(err)
		}
		return outcome, open(t, dir), id
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
