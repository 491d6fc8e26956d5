package flow_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/flow"
)

// TestSaveMergesTheSecrets edits .env between reading and writing it.
func TestSaveMergesTheSecrets(t *testing.T) {
	t.Parallel()
	const gone = "-" // no file
	for name, tc := range map[string]struct {
		before, edited string
		want           string
		says           string // of the error, after which the file is as edited
	}{
		"unchanged":                 {before: "A=1\nOLD=x\n", edited: "A=1\nOLD=x\n", want: "A=1\nTOKEN=t\n"},
		"a line appended":           {before: "A=1\nOLD=x\n", edited: "A=1\nOLD=x\nB=2\n", want: "A=1\nB=2\nTOKEN=t\n"},
		"a comment and another key": {before: "A=1\r\nOLD=x\r\n", edited: "# mine\r\nexport A='2'\r\nOLD=x\r\n", want: "# mine\r\nexport A='2'\r\nTOKEN=t\r\n"},
		"our value set already":     {before: "OLD=x\n", edited: "TOKEN='t' # theirs\nOLD=x\n", want: "TOKEN='t' # theirs\n"},
		"removed already":           {before: "A=1\nOLD=x\n", edited: "A=1\n", want: "A=1\nTOKEN=t\n"},
		"emptied":                   {before: "A=1\n", edited: "", want: "TOKEN=t\n"},
		"our key has another value": {before: "A=1\n", edited: "A=1\nTOKEN=theirs\n", says: "TOKEN has another value now"},
		"a removed key is changed":  {before: "OLD=x\n", edited: "OLD=y\n", says: "OLD has another value now"},
		"not UTF-8":                 {before: "A=1\n", edited: "A=\xff\n", says: "not UTF-8"},
		"deleted":                   {before: "A=1\n", edited: gone, says: "was deleted"},
		"created":                   {before: gone, edited: "A=1\n", says: "was created by another program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := flow.Folder{Dir: t.TempDir()}
			put := func(text string) {
				err := os.Remove(f.EnvPath())
				if text != gone {
					err = os.WriteFile(f.EnvPath(), []byte(text), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if tc.before != gone {
				put(tc.before)
			}
			env := readEnv(t, f)
			put(tc.edited)
			if err := env.Set("TOKEN", "t"); err != nil {
				t.Fatal(err)
			}
			env.Unset("OLD")
			err := f.Save(nil, env)
			if tc.says != "" {
				tc.want = tc.edited
			}
			if tc.says == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want an error with %q", err, tc.says)
			}
			data, readErr := os.ReadFile(f.EnvPath())
			if got := string(data); got != tc.want && (readErr == nil || tc.want != gone) {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if after := string(env.Bytes()); err == nil && after != tc.want {
				t.Errorf("the command goes on with %q, want %q", after, tc.want)
			}
		})
	}
}

func readEnv(t *testing.T, f flow.Folder) flow.Env {
	t.Helper()
	env, err := f.Env()
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// TestSaveBesideAnotherWriter has a shell append lines while .env is edited. A line that is complete before Save begins is
// never lost. Of those that are written during Save, the ones between the last comparison and the rename can be.
func TestSaveBesideAnotherWriter(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	f := flow.Folder{Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(f.Dir, ".env"), []byte("A=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), shell, "-c", `while read -r line; do echo "$line" >>.env; echo done; done`)
	other.Dir = f.Dir
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	done := bufio.NewScanner(out)
	begin := func(line string) { _, _ = io.WriteString(in, line+"\n") }
	for i := range 200 {
		env := readEnv(t, f)
		begin(fmt.Sprintf("BEFORE_%d=x", i))
		done.Scan()
		begin(fmt.Sprintf("DURING_%d=x", i))
		if err := env.Set(fmt.Sprintf("OURS_%d", i), "x"); err != nil {
			t.Fatal(err)
		}
		if err := f.Save(nil, env); err != nil {
			t.Fatal(err)
		}
		done.Scan()
	}
	_ = in.Close()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	env, lost := readEnv(t, f), 0
	for i := range 200 {
		for _, name := range []string{"OURS", "BEFORE"} {
			if _, there := env.Get(fmt.Sprintf("%s_%d", name, i), nil); !there {
				t.Errorf("%s_%d is lost", name, i)
			}
		}
		if _, there := env.Get(fmt.Sprintf("DURING_%d", i), nil); !there {
			lost++
		}
	}
	t.Logf("%d of 200 lines written during the replacement are lost", lost)
}
