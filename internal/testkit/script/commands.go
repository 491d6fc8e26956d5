package script

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are those that scripts have beside testscript's own; README.md of the scripts describes them.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"cloud":    cloudCommand,
		"exits":    exits,
		"requests": requests,
		"waitfor":  waitFor,
		"deployed": deployed,
		"mode":     mode,
		"same":     same,
		"tree":     tree,
		"json":     sameJSON,

		"app":         appCommand,
		"address":     addressCommand,
		"visit":       visitCommand,
		"begin":       beginCommand,
		"finish":      finishCommand,
		"signal":      signalCommand,
		"certificate": certificateCommand,
	}
}

// usage ends the script where a command is not used as it is meant.
func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// exits runs a program that must end with exactly this status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "exits STATUS program [args...]")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ends with status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// requests compares what was asked since the last time with the lines of a file; '! requests' wants none.
func requests(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) == 0 || !neg && len(args) > 0, "requests 'METHOD /path'..., or ! requests")
	var got []string
	for _, r := range of(ts).cloud.Requests() {
		got = append(got, r.String())
	}
	if !slices.Equal(got, args) {
		ts.Fatalf("requests:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(args, "\n"))
	}
}

// waitFor waits until a request has arrived.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "waitfor 'METHOD /path'")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, r := range of(ts).cloud.Seen() {
			if r.String() == args[0] {
				return
			}
		}
	}
	ts.Fatalf("there was no %s", args[0])
}

// deployed compares the last deployment with a file; '! deployed' wants none so far.
func deployed(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) == 0 || !neg && len(args) == 1, "deployed FILE, or ! deployed")
	all := of(ts).cloud.Deployments()
	switch {
	case neg && len(all) > 0:
		ts.Fatalf("there were %d deployments", len(all))
	case neg:
		return
	case len(all) == 0:
		ts.Fatalf("nothing was deployed")
	}
	if got, want := all[len(all)-1].String(), ts.ReadFile(args[0]); got != want {
		ts.Fatalf("deployed:\n%s\nwant:\n%s", got, want)
	}
}

// mode compares the permissions of files.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "mode OCTAL FILE...")
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		ts.Check(err)
		if got := info.Mode().Perm(); got != os.FileMode(want) {
			ts.Fatalf("%s has mode %04o, want %04o", name, got, want)
		}
	}
}

// same wants files to be byte for byte what they were when the script began; a file that was not there must
// not be there. Without arguments it is about everything in the project, new files too.
func same(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg, "same [FILE...]")
	s := of(ts)
	now, err := contents(s.work)
	ts.Check(err)
	if len(args) == 0 {
		app := filepath.Join(s.work, "app") + string(os.PathSeparator)
		for _, files := range []map[string]string{s.first, now} {
			for path := range files {
				if strings.HasPrefix(path, app) && !slices.Contains(args, path) {
					args = append(args, path)
				}
			}
		}
	}
	for _, name := range args {
		path := ts.MkAbs(name)
		before, was := s.first[path]
		after, is := now[path]
		if was != is || before != after {
			ts.Fatalf("%s has changed (there before: %v, now: %v):\n%s", name, was, is, after)
		}
	}
}

// tree compares the names of all files below a folder with the arguments, in the order of names.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 1, "tree FOLDER [file...]")
	dir := ts.MkAbs(args[0])
	var got []string
	ts.Check(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		got = append(got, filepath.ToSlash(rel))
		return err
	}))
	slices.Sort(got)
	if want := slices.Sorted(slices.Values(args[1:])); !slices.Equal(got, want) {
		ts.Fatalf("%s holds\n%s\nwant\n%s", args[0], strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// fields splits NAME=VALUE arguments.
func fields(ts *testscript.TestScript, args []string) map[string]string {
	m := map[string]string{}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			ts.Fatalf("%q is not NAME=VALUE", a)
		}
		m[name] = value
	}
	return m
}

func list(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}

func unknown(what, got string) string { return fmt.Sprintf("unknown %s %q", what, got) }
