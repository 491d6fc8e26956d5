package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// For the process that is killed: the data folder, and what it does there.
const (
	victimVariable = "TEST_PLATFORM_STORE"
	workVariable   = "TEST_PLATFORM_WORK"
)

// deployments is how many a victim makes that has to "deploy".
const deployments = 20

// victim works on a store. It prints each change once it has been answered.
func victim(dir, work string) error {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: dir, Now: clock})
	if err != nil {
		return err
	}
	switch work {
	case "rotate":
		return s.RotateKey(ctx)
	case "prepare":
		_, err := deploy(ctx, s)
		return errors.Join(err, s.Close())
	case "deploy":
		var errs []error
		for range deployments {
			_, err := deploy(ctx, s)
			errs = append(errs, err)
		}
		return errors.Join(append(errs, s.Close())...)
	case "fill":
		return fill(ctx, s)
	}
	owner, err := s.User(ctx, platform.OwnerName)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		p, err := s.CreateProject(ctx, owner, platform.Streamlit, 0)
		if err != nil {
			return err
		}
		fmt.Println("project", p.ID, p.ID)
		d, _, err := s.Submit(ctx, submission(p.ID))
		if err != nil {
			return err
		}
		fmt.Println("deployment", d.ID, d.State)
		for _, state := range []platform.State{platform.StateBuilding, platform.StateStarting, platform.StateRunning} {
			if _, err := s.SetStatus(ctx, d.ID, platform.Status{State: state}); err != nil {
				return err
			}
			fmt.Println("deployment", d.ID, state)
		}
		if err := s.SetCurrent(ctx, p.ID, d.ID); err != nil {
			return err
		}
		fmt.Println("current", p.ID, d.ID)
		switch i % 4 {
		case 1:
			fmt.Println("project", p.ID, "?") // it may be deleted or not
			if err := s.DeleteProject(ctx, p.ID); err != nil {
				return err
			}
			fmt.Println("project", p.ID, "")
		case 2:
			if err := s.RotateKey(ctx); err != nil {
				return err
			}
		}
	}
}

func startVictim(dir, work string) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), victimVariable+"="+dir, workVariable+"="+work)
	c.Stderr = os.Stderr
	return c
}

// Whenever a process is killed, what was answered is there, and nothing is there by half.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	deployed(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	answered := map[string]map[string]string{"project": {}, "deployment": {}, "current": {}}
	for round := range 20 {
		c := startVictim(dir, "")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for lines := bufio.NewScanner(out); lines.Scan(); n++ {
			what, rest, _ := strings.Cut(lines.Text(), " ")
			id, value, _ := strings.Cut(rest, " ")
			answered[what][id] = value
			if n == 1+round*7%40 {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Wait(); err == nil || n < 2 {
			t.Fatalf("it ended by itself after %d lines: %v", n, err)
		}
		s := open(t, dir)
		checkWhole(t, s)
		checkAnswered(t, s, answered)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("after round %d, killed after %d lines", round, n)
		}
	}
}

func checkAnswered(t *testing.T, s *Store, answered map[string]map[string]string) {
	t.Helper()
	order := platform.States() // a deployment may be further than was answered
	projects, err := s.Projects(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]platform.Project{}
	for _, p := range projects {
		found[p.ID] = p
	}
	for id, want := range answered["project"] {
		if _, ok := found[id]; want != "?" && ok != (want != "") {
			t.Errorf("project %s: found %v, want %q", id, ok, want)
		}
	}
	for id, want := range answered["current"] {
		if p, ok := found[id]; ok && p.Current != want {
			t.Errorf("project %s: current %q, want %q", id, p.Current, want)
		}
	}
	states := map[string]platform.State{}
	for id := range found {
		ds, err := s.Deployments(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			states[d.ID] = d.State
			wantSecret(t, s, d.ID)
		}
	}
	for id, want := range answered["deployment"] {
		got, ok := states[id]
		if ok && slices.Index(order, got) < slices.Index(order, platform.State(want)) {
			t.Errorf("deployment %s is %s, was %s", id, got, want)
		}
	}
	for project, deployment := range answered["current"] {
		if _, ok := states[deployment]; !ok && answered["project"][project] == project {
			t.Errorf("deployment %s is not there", deployment)
		}
	}
}

// checkWhole lets SQLite check the file.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	var result string
	if err := s.db.Read.QueryRow("PRAGMA integrity_check").Scan(&result); err != nil || result != "ok" {
		t.Errorf("integrity: %s, %v", result, err)
	}
	var broken int
	if err := s.db.Read.QueryRow("SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil || broken != 0 {
		t.Errorf("%d rows refer to nothing, %v", broken, err)
	}
}
