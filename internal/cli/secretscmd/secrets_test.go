package secretscmd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	type parsed struct {
		command string
		Flags
	}
	flagtest.Run(t, func(got *parsed) *cobra.Command {
		return New(Options{}, func(_ context.Context, which string, o *Options) error { *got = parsed{which, o.Flags}; return nil })
	}, flagtest.Cases[parsed]{
		"list":           {Args: []string{"list"}, Want: parsed{"list", Flags{}}},
		"reveal":         {Args: []string{"list", "--reveal"}, Want: parsed{"list", Flags{Reveal: true}}},
		"list argument":  {Args: []string{"list", "A"}, Code: failure.Failed},
		"set":            {Args: []string{"set", "A"}, Want: parsed{"set", Flags{Names: []string{"A"}}}},
		"set stdin":      {Args: []string{"set", "A", "--stdin"}, Want: parsed{"set", Flags{Names: []string{"A"}, Stdin: true}}},
		"set from file":  {Args: []string{"set", "A", "--from-file=f"}, Want: parsed{"set", Flags{Names: []string{"A"}, File: "f"}}},
		"set both":       {Args: []string{"set", "A", "--stdin", "--from-file=f"}, Code: failure.Usage},
		"set a value":    {Args: []string{"set", "A", "b"}, Code: failure.Usage},
		"set nothing":    {Args: []string{"set"}, Code: failure.Failed},
		"unset":          {Args: []string{"unset", "A", "B"}, Want: parsed{"unset", Flags{Names: []string{"A", "B"}}}},
		"unset nothing":  {Args: []string{"unset"}, Code: failure.Failed},
		"import":         {Args: []string{"import", "-", "--overwrite"}, Want: parsed{"import", Flags{Source: "-", Overwrite: true}}},
		"import nothing": {Args: []string{"import"}, Code: failure.Failed},
		"diff":           {Args: []string{"diff", "--exit-code"}, Want: parsed{"diff", Flags{ExitCode: true}}},
	})
}

type answer string

func (a answer) Secret(context.Context, prompt.Question) (string, error) { return string(a), nil }

// fixture is a project folder with one command after the other.
type fixture struct {
	t         *testing.T
	dir       string
	environ   map[string]string
	answer    answer
	platform  string // reply to the question for the project
	out, errs bytes.Buffer
}

func newFixture(t *testing.T, files map[string]string) *fixture {
	t.Helper()
	r := &fixture{t: t, dir: t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *fixture) run(stdin string, args ...string) error {
	r.t.Helper()
	r.out.Reset()
	r.errs.Reset()
	asJSON := len(args) > 0 && args[len(args)-1] == "--json"
	if asJSON {
		args = args[:len(args)-1]
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/projects/p-1" {
			http.NotFound(w, req)
			return
		}
		_, _ = w.Write([]byte(r.platform))
	}))
	defer server.Close()
	c := New(Options{
		IO:     &term.IO{In: strings.NewReader(stdin), Out: term.NewStream(&r.out), Err: term.NewStream(&r.errs), JSON: asJSON},
		Ask:    r.answer,
		Folder: flow.Folder{Dir: r.dir},
		Connect: func() (*cloudapi.Client, error) {
			return cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k"}), nil
		},
		Environ: func(name string) (string, bool) { v, ok := r.environ[name]; return v, ok },
	}, nil)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	return c.ExecuteContext(r.t.Context())
}

func (r *fixture) file(name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

const canary = "s3cr3t-canary"

// quiet fails where a value was printed.
func (r *fixture) quiet(err error) {
	r.t.Helper()
	said := r.out.String() + r.errs.String()
	if err != nil {
		said += err.Error() + failure.Hint(err)
	}
	if strings.Contains(said, canary) {
		r.t.Errorf("a value was printed: %s", said)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	r := newFixture(t, map[string]string{
		".env": "A=" + canary + "\nEMPTY=\nNULL\n=x\nusername_main_app=ann\nB=\"${A}-2\"\n'odd\x1b[2J'=x\n",
		"ploomber-cloud.json": `{"id": "p-1", "type": "flask", "secret-keys": ["A", "FROM_ENV", "GONE"], "authentication":
			{"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`,
	})
	r.environ = map[string]string{"FROM_ENV": canary}
	if err := r.run("", "list", "--json"); err != nil {
		t.Fatal(err)
	}
	r.quiet(nil)
	var got listed
	if err := json.Unmarshal(r.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	none := []string{}
	want := []secret{
		{"A", true, "file", []string{"secret-keys"}, nil},
		{"EMPTY", false, "file", none, nil},
		{"username_main_app", true, "file", []string{"main_app"}, nil},
		{"B", true, "file", none, nil},
		{"FROM_ENV", true, "environment", []string{"secret-keys"}, nil},
		{"GONE", false, "none", []string{"secret-keys"}, nil},
		{"password_main_app", false, "none", []string{"main_app"}, nil},
	}
	if lines := []int{3, 4, 7}; !reflect.DeepEqual(got.Secrets, want) || !slices.Equal(got.Lines, lines) {
		t.Errorf("got %+v and unclear lines %v, want %+v and %v", got.Secrets, got.Lines, want, lines)
	}
	if err := r.run("", "list"); err != nil || strings.Contains(r.out.String(), "\x1b") {
		t.Errorf("%v: %q", err, &r.out)
	}
	r.quiet(nil)
	if says := ".env:4 is skipped"; !strings.Contains(r.errs.String(), says) {
		t.Errorf("%q is missing in %q", says, &r.errs)
	}
	if err := r.run("", "list", "--reveal"); err != nil || !strings.Contains(r.out.String(), canary+"-2") {
		t.Errorf("%v: %q", err, &r.out)
	}
}

func TestListWithoutProject(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"none": "", "broken": `{"id": 1`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newFixture(t, map[string]string{".env": "A=1\n"})
			if config != "" {
				if err := os.WriteFile(filepath.Join(r.dir, "ploomber-cloud.json"), []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.run("", "list"); err != nil || !strings.Contains(r.out.String(), "A  has a value") {
				t.Errorf("%v: %q", err, &r.out)
			}
			if warned := r.errs.Len() > 0; warned != (config != "") {
				t.Errorf("warned: %q", &r.errs)
			}
		})
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env, stdin, value string // value is in the file "value"
		args              []string
		answer            answer
		want              string // of .env
		code              int
	}{
		"asked":               {args: []string{"A"}, answer: canary, want: "A=" + canary + "\n"},
		"stdin":               {args: []string{"A", "--stdin"}, stdin: canary + "\r\n", want: "A=" + canary + "\n"},
		"only one line break": {args: []string{"A", "--stdin"}, stdin: canary + "\n\n", want: "A=\"" + canary + "\\n\"\n"},
		"file":                {args: []string{"A", "--from-file", "value"}, value: canary, want: "A=" + canary + "\n"},
		"keeps the rest":      {env: "# c\nB = 1 # d\nA=2\n", args: []string{"A", "--stdin"}, stdin: "3", want: "# c\nB = 1 # d\nA=3\n"},
		"odd name, there":     {env: "a-b=1\n", args: []string{"a-b", "--stdin"}, stdin: "2", want: "a-b=2\n"},
		"odd name, new":       {env: "x=1\n", args: []string{"a-b", "--stdin"}, stdin: "2", want: "x=1\n", code: failure.Usage},
		"value as argument":   {env: "x=1\n", args: []string{"A=" + canary}, answer: "no", want: "x=1\n", code: failure.Usage},
		"empty input":         {env: "x=1\n", args: []string{"A", "--stdin"}, stdin: "\n", want: "x=1\n", code: failure.Failed},
		"NUL":                 {env: "x=1\n", args: []string{"A", "--stdin"}, stdin: canary + "\x00", want: "x=1\n", code: failure.Failed},
		"not UTF-8":           {env: "x=1\n", args: []string{"A", "--stdin"}, stdin: canary + "\xff", want: "x=1\n", code: failure.Failed},
		"too long":            {env: "x=1\n", args: []string{"A", "--stdin"}, stdin: strings.Repeat("a", maxValue+1), want: "x=1\n", code: failure.Failed},
		"no such file":        {env: "x=1\n", args: []string{"A", "--from-file", "none"}, want: "x=1\n", code: failure.Failed},
		"broken .env":         {env: "\xff=1\n", args: []string{"A", "--stdin"}, stdin: "2", want: "\xff=1\n", code: failure.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"value": tc.value}
			if tc.env != "" {
				files[".env"] = tc.env
			}
			r := newFixture(t, files)
			r.answer = tc.answer
			err := r.run(tc.stdin, append([]string{"set"}, tc.args...)...)
			if failure.Code(err) != tc.code {
				t.Errorf("%v, want status %d", err, tc.code)
			}
			r.quiet(err)
			if got := r.file(".env"); got != tc.want {
				t.Errorf(".env is %q, want %q", got, tc.want)
			}
			info, err := os.Stat(filepath.Join(r.dir, ".env"))
			if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%v: mode %v", err, info.Mode())
			}
		})
	}
}

func TestSetSame(t *testing.T) {
	t.Parallel()
	r := newFixture(t, map[string]string{".env": "A='x'\nB=${HOME}\n"})
	r.environ = map[string]string{"HOME": "/h"}
	if err := r.run("x", "set", "A", "--stdin", "--json"); err != nil || !strings.Contains(r.out.String(), `"changed":false`) &&
		!strings.Contains(r.out.String(), `"changed": false`) {
		t.Errorf("%v: %q", err, &r.out)
	}
	if err := r.run("/h", "set", "B", "--stdin"); err != nil || r.file(".env") != "A='x'\nB=/h\n" {
		t.Errorf("%v: %q", err, r.file(".env"))
	}
}

func TestUnset(t *testing.T) {
	t.Parallel()
	const config = `{"id": "p-1", "type": "flask", "secret-keys": ["A"]}`
	r := newFixture(t, map[string]string{".env": "A=1\n# c\nB=2\nC=3\n", "ploomber-cloud.json": config})
	if err := r.run("", "unset", "C", "NONE"); failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), "NONE") {
		t.Errorf("got %v", err)
	}
	if got := r.file(".env"); got != "A=1\n# c\nB=2\nC=3\n" {
		t.Errorf("an unset that failed left %q", got)
	}
	if err := r.run("", "unset", "B", "A", "B"); err != nil {
		t.Fatal(err)
	}
	if got := r.file(".env"); got != "# c\nC=3\n" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(r.errs.String(), "still needs A (secret-keys)") {
		t.Errorf("warned: %q", &r.errs)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env, config, platform string
		args                  []string
		want                  difference
		code                  int
	}{
		"all three": {
			env: "B=" + canary + "\nA=1\nNULL\n", config: `{"id": "p-1", "type": "flask"}`, platform: `{"secrets": ["A", "C", "NULL"]}`,
			want: difference{New: []string{"B"}, Missing: []string{"C", "NULL"}, Same: []string{"A"}},
		},
		"exit code": {
			env: "A=1\n", config: `{"id": "p-1", "type": "flask"}`, platform: `{"secrets": []}`, args: []string{"--exit-code"},
			want: difference{New: []string{"A"}, Missing: []string{}, Same: []string{}}, code: failure.Failed,
		},
		"exit code, equal": {
			env: "A=1\n", config: `{"id": "p-1", "type": "flask"}`, platform: `{"secrets": ["A"]}`, args: []string{"--exit-code"},
			want: difference{New: []string{}, Missing: []string{}, Same: []string{"A"}},
		},
		"secret-keys": {
			config: `{"id": "p-1", "type": "flask", "secret-keys": ["A"]}`, platform: `{"secrets": null}`,
			want: difference{Source: "secret-keys", New: []string{"A"}, Missing: []string{}, Same: []string{}},
		},
		"nothing here": {
			config: `{"id": "p-1", "type": "flask"}`, platform: `{"secrets": ["A"]}`,
			want: difference{Source: "", New: []string{}, Missing: []string{"A"}, Same: []string{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"ploomber-cloud.json": tc.config}
			if tc.env != "" {
				files[".env"] = tc.env
			}
			r := newFixture(t, files)
			r.platform = tc.platform
			tc.want.ProjectID = "p-1"
			if tc.env != "" {
				tc.want.Source = filepath.Join(r.dir, ".env")
			}
			err := r.run("", append(append([]string{"diff"}, tc.args...), "--json")...)
			var got difference
			if failure.Code(err) != tc.code || json.Unmarshal(r.out.Bytes(), &got) != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%v: got %+v, want %+v", err, got, tc.want)
			}
			r.quiet(err)
		})
	}
}

func TestDiffText(t *testing.T) {
	t.Parallel()
	r := newFixture(t, map[string]string{".env": "A=1\nB=2\n", "ploomber-cloud.json": `{"id": "p-1", "type": "flask"}`})
	r.platform = `{"secrets": ["A", "\u001b[2J"]}`
	if err := r.run("", "diff"); err != nil || r.out.String() != "+ B\n  A\n1 more, not shown because their names may be parts of secret values\n" {
		t.Errorf("%v: %q", err, &r.out)
	}
}
