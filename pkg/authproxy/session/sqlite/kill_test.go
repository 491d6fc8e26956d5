package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// victimVariable names the file for the process that is killed.
const victimVariable = "TEST_SESSIONS_FILE"

// victim logs people in and out, and says so each time it has been answered that this is done.
func victim(path string) error {
	s, err := Open(context.Background(), path, testKeys("a"), func() time.Time { return epoch })
	if err != nil {
		return err
	}
	ctx := context.Background()
	for i := 0; ; i++ {
		if err := s.Create(ctx, newSession(i)); err != nil {
			return err
		}
		fmt.Println("in", i)
		if _, err := s.Use(ctx, newSession(i).Key, epoch.Add(5*time.Minute)); err != nil {
			return err
		}
		switch i % 3 {
		case 0:
			_, err = s.Delete(ctx, newSession(i).Key)
			fmt.Println("out", i)
		case 1:
			_, err = s.Replace(ctx, newSession(i), rotated(newSession(i), -i))
			fmt.Println("in", -i)
		}
		if err != nil {
			return err
		}
	}
}

// Whenever a process is killed, what it has said to be done is done.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	for round := range 6 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), victimVariable+"="+path)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		in, n := map[int]bool{}, 0
		for lines := bufio.NewScanner(out); lines.Scan(); n++ {
			what, number, _ := strings.Cut(lines.Text(), " ")
			var i int
			if _, err := fmt.Sscan(number, &i); err != nil {
				t.Fatal(err)
			}
			in[i] = what == "in"
			if n == 5+round*round*7 {
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
		s := open(t, path)
		for i, alive := range in {
			if !alive {
				wantNone(t, s, newSession(i).Key, 0)
			} else if i%3 != 0 || i < 0 { // else it may just have ended
				use(t, s, newSession(i).Key, 0) // rotated or not
			}
		}
		if n < 6 {
			t.Fatalf("round %d: %d lines", round, n)
		}
		if _, err := s.DeleteTagged(context.Background(), "all"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
