package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// platformError is what the client of the platform makes of an answer.
func platformError(t *testing.T, status int, body string) error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	_, err := cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k", Retries: -1}).Project(t.Context(), "demo")
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	community, _ := tier.Named("community")
	_, unreachable := cloudapi.New(cloudapi.Options{BaseURL: "http://127.0.0.1:1", Key: "k", Retries: -1}).Tier(t.Context())
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, interrupted := cloudapi.New(cloudapi.Options{BaseURL: "http://127.0.0.1:1", Key: "k"}).Tier(over)
	for name, tc := range map[string]struct {
		err        error
		code       int
		says, hint string
	}{
		"any error":             {errors.New("x"), failure.Failed, "x", ""},
		"a failure":             {failure.Failedf("x").WithHint("do y"), failure.Failed, "x", "do y"},
		"wrong usage":           {failure.Usagef("x"), failure.Usage, "x", ""},
		"a failed deployment":   {failure.New(failure.Deployment, "x"), failure.Deployment, "x", ""},
		"a time limit":          {failure.New(failure.TimedOut, "x"), failure.TimedOut, "x", ""},
		"an interrupt":          {fmt.Errorf("x: %w", context.Canceled), failure.Interrupted, "x", ""},
		"an interrupted call":   {interrupted, failure.Interrupted, "canceled", ""},
		"a context's limit":     {context.DeadlineExceeded, failure.TimedOut, "deadline", ""},
		"a tier without it":     {fmt.Errorf("x: %w", community.Require(tier.Authentication)), failure.NotAllowed, "authentication", "operator of the host"},
		"401":                   {platformError(t, 401, "{}"), failure.NotAllowed, "", "key status"},
		"403":                   {platformError(t, 403, `{"detail": "Limit of projects"}`), failure.NotAllowed, "Limit of projects", "key status"},
		"403 without JSON":      {platformError(t, 403, "nope"), failure.NotAllowed, "", "key status"},
		"404":                   {platformError(t, 404, "{}"), failure.Failed, "", "ploomber-cloud init"},
		"409":                   {platformError(t, 409, `{"detail": "busy"}`), failure.Failed, "busy", ""},
		"500":                   {platformError(t, 500, "{}"), failure.Failed, "", "try again later"},
		"no connection":         {unreachable, failure.Failed, "127.0.0.1:1", "doctor"},
		"the closest hint wins": {failure.Failedf("x: %w", platformError(t, 404, "{}")).WithHint("do y"), failure.Failed, "x", "do y"},
		"a wrapped hint":        {fmt.Errorf("x: %w", failure.Failedf("y").WithHint("do z")), failure.Failed, "x: y", "do z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, message, hint := outcome(tc.err)
			if code != tc.code || !strings.Contains(message, tc.says) {
				t.Errorf("%d %q, want %d %q", code, message, tc.code, tc.says)
			}
			if (hint == "") != (tc.hint == "") || !strings.Contains(hint, tc.hint) {
				t.Errorf("hint %q, want %q", hint, tc.hint)
			}
		})
	}
}

// A connection that takes too long is a failure like every other: only a limit that the user set is "timed out".
func TestOutcomeOfSlowNetwork(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	api := cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k", Retries: -1, Timeout: 20 * time.Millisecond})
	_, err := api.Tier(t.Context())
	if code, _, hint := outcome(err); code != failure.Failed || !strings.Contains(hint, "doctor") {
		t.Errorf("exit status %d, hint %q: %v", code, hint, err)
	}
}

func TestWantsJSON(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"": false, "--json": true, "deploy --json --watch": true, "--json=true": true, "--json=1": true, "--json=T": true,
		"--json=false": false, "--json=0": false, "--json=maybe": false, "deploy -- --json": false, "--jsonx": false, "json": false,
		"--json --json=false": false, "--json=false --json": true,
	} {
		if got := wantsJSON(strings.Fields(line)); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}

// run executes one command line in an empty folder and returns the exit status and both outputs.
func run(t *testing.T, vars map[string]string, args ...string) (code int, out, errs string) {
	t.Helper()
	files := [2]*os.File{}
	for i := range files {
		f, err := os.Create(filepath.Join(t.TempDir(), "output"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		files[i] = f
	}
	code = runTo(t, vars, files[0], files[1], args...)
	for i, to := range []*string{&out, &errs} {
		data, err := os.ReadFile(files[i].Name())
		if err != nil {
			t.Fatal(err)
		}
		*to = string(data)
	}
	return code, out, errs
}

func runTo(t *testing.T, vars map[string]string, out, errs *os.File, args ...string) int {
	t.Helper()
	in, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	return Main(System{
		Args: args, In: in, Out: out, Err: errs, Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Environ: func() []string { return nil }, Now: time.Now, TempDir: t.TempDir, Dir: t.TempDir(), Version: "1.2.3",
	})
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line string
		code int
		says string // on standard error
	}{
		"an unknown command":           {"deplyo", failure.Usage, "did you mean 'ploomber-cloud deploy'?"},
		"one like no other":            {"zzzzzzzzzz", failure.Usage, "lists the commands"},
		"an unknown flag":              {"deploy --wacth", failure.Usage, "did you mean --watch?"},
		"a flag like no other":         {"deploy --zzzzzzzzzz", failure.Usage, "see 'ploomber-cloud deploy --help'"},
		"a flag of other tools":        {"--install-completion", failure.Usage, "ploomber-cloud completion install"},
		"a short flag":                 {"deploy -Z", failure.Usage, "--help"},
		"a flag without its value":     {"watch --project-id", failure.Usage, "--project-id"},
		"a flag that must be there":    {"watch", failure.Usage, "--project-id is required"},
		"a value that is not a choice": {"auth --add --feature MAIN_APP", failure.Usage, "main_app"},
		"a value that is not a number": {"up --port x", failure.Usage, "--port"},
		"no argument":                  {"templates", failure.Usage, "templates --help"},
		"too many arguments":           {"key one two", failure.Usage, "key --help"},
		"an argument for none":         {"deploy x", failure.Usage, "deploy --help"},
		"an unknown subcommand":        {"key status x", failure.Usage, "--help"},
		"a conflict":                   {"auth --add --remove", failure.Failed, "Only one of"},
		"no project":                   {"deploy", failure.Failed, "Hint: run 'ploomber-cloud init'"},
		"no key":                       {"watch --project-id p", failure.NotAllowed, "API key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, map[string]string{"HOME": t.TempDir(), "USERPROFILE": t.TempDir()}, strings.Fields(tc.line)...)
			if code != tc.code || out != "" || !strings.Contains(errs, tc.says) {
				t.Errorf("%d, %q, %q; want %d, %q", code, out, errs, tc.code, tc.says)
			}
		})
	}
}

// TestWrongArguments: what was typed may be a secret in the wrong place.
func TestWrongArguments(t *testing.T) {
	t.Parallel()
	for line, says := range map[string]string{
		"secrets set":                       "NAME is missing",
		"secrets unset":                     "NAME is missing",
		"secrets import":                    "FILE is missing",
		"secrets set TOKEN CANARY_value":    "a value on the command line can be seen",
		"secrets import a.txt CANARY_value": "too many arguments: 'ploomber-cloud secrets import' takes FILE and flags only",
		"key CANARY_key CANARY_more":        "too many arguments",
		"auth --add CANARY_password":        "'ploomber-cloud auth' takes flags only",
		"deploy wacth":                      `unexpected argument "wacth": 'ploomber-cloud deploy' takes flags only`,
		"secrets lst":                       `unknown command "lst"`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			code, _, errs := run(t, map[string]string{"HOME": t.TempDir(), "USERPROFILE": t.TempDir()}, strings.Fields(line)...)
			if code != failure.Usage || !strings.Contains(errs, says) || strings.Contains(errs, "CANARY") {
				t.Errorf("%d, %q; want %d, %q", code, errs, failure.Usage, says)
			}
		})
	}
}

// With --json a mistake is one object, even a mistake in the flags themselves.
func TestMistakesAsJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line string
		want term.ProblemDetail
	}{
		"in a flag":    {"deploy --json --wacth", term.ProblemDetail{Code: failure.Usage, Message: "unknown flag: --wacth", Hint: "did you mean --watch?"}},
		"before it":    {"deploy --wacth --json", term.ProblemDetail{Code: failure.Usage, Message: "unknown flag: --wacth", Hint: "did you mean --watch?"}},
		"in a command": {"--json zzzzzzzzzz", term.ProblemDetail{Code: failure.Usage, Message: `unknown command "zzzzzzzzzz"`, Hint: "'ploomber-cloud --help' lists the commands"}},
		"of no hint":   {"auth --json --add --remove", term.ProblemDetail{Code: failure.Failed, Message: "Only one of --add or --remove may be specified."}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, nil, strings.Fields(tc.line)...)
			var got term.Problem
			d := json.NewDecoder(strings.NewReader(errs))
			d.DisallowUnknownFields()
			if err := d.Decode(&got); err != nil || d.More() {
				t.Fatalf("%q: %v", errs, err)
			}
			if got.Error != tc.want || code != tc.want.Code || out != "" {
				t.Errorf("%d, %q, %+v; want %+v", code, out, got.Error, tc.want)
			}
		})
	}
}

// A result that nobody could read must not look like success.
func TestLostResult(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"help": {"--help"}, "JSON": {"version", "--json"}, "text": {"version"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, err := os.Open(os.DevNull) // opened for reading: every write fails
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = full.Close() }()
			errs, err := os.Create(filepath.Join(t.TempDir(), "errors"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = errs.Close() }()
			code := runTo(t, nil, full, errs, args...)
			said, err := os.ReadFile(errs.Name())
			if code != failure.Failed || err != nil || !strings.Contains(string(said), "cannot write the result") {
				t.Errorf("exit status %d, says %q (%v)", code, said, err)
			}
		})
	}
}

// Every command explains itself without key, home or network, in a sentence before the examples, and refuses a flag it does not know
// and a word too many with the status of wrong usage.
func TestEveryCommand(t *testing.T) {
	t.Parallel()
	var paths [][]string
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		for _, below := range c.Commands() {
			if below.Name() == "help" || below.Hidden {
				continue
			}
			at := append(append([]string{}, path...), below.Name())
			paths = append(paths, at)
			walk(below, at)
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	walk(Root(System{
		In: null, Out: null, Err: null, Lookup: func(string) (string, bool) { return "", false },
		Environ: func() []string { return nil }, Now: time.Now, TempDir: os.TempDir, Version: "test",
	}), nil)
	if len(paths) < 20 {
		t.Fatalf("%d commands", len(paths))
	}
	for _, path := range paths {
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, nil, append(path, "--help")...)
			name := "ploomber-cloud " + strings.Join(path, " ")
			if code != failure.Done || errs != "" || !explains(out) || !strings.Contains(out, name) {
				t.Errorf("help: %d, %q, %q", code, out, errs)
			}
			if _, shown, _ := run(t, nil, append(append([]string{"__complete"}, path...), "--")...); !strings.Contains(shown, "--json") || strings.Contains(shown, "`") {
				t.Errorf("completions of its flags: %s", shown)
			}
			if code, _, errs := run(t, nil, append(path, "--no-such-flag-here")...); code != failure.Usage || !strings.Contains(errs, "--no-such-flag-here") {
				t.Errorf("an unknown flag: %d, %q", code, errs)
			}
			if code, out, errs := run(t, nil, append(path, "a", "b", "c", "d")...); code == failure.Done || out != "" {
				t.Errorf("words too many: %d, %q, %q", code, out, errs)
			}
		})
	}
}

// explains reports whether a help begins with one sentence about the command, before its examples.
func explains(help string) bool {
	sentence, rest, _ := strings.Cut(help, "\n\n")
	return strings.HasSuffix(sentence, ".") && !strings.Contains(sentence, "\n") && strings.HasPrefix(rest, "Examples:\n  ")
}
