package githubcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/remote"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

func is(b bool) *bool { return &b }

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing":      {},
		"yes":          {Args: []string{"--yes"}, Want: Flags{Yes: true}},
		"short yes":    {Args: []string{"-y"}, Want: Flags{Yes: true}},
		"with secrets": {Args: []string{"--add-secrets"}, Want: Flags{AddSecrets: is(true)}},
		"without":      {Args: []string{"-y", "--add-secrets=false"}, Want: Flags{Yes: true, AddSecrets: is(false)}},
		"an argument":  {Args: []string{"x"}, Code: failure.Failed},
		"no flag":      {Args: []string{"--force"}, Code: failure.Failed},
	})
}

const (
	template = "env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\nrun: x\n"
	withA    = "env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\n  A: ${{ secrets.A }}\nrun: x\n"
	bare     = `{"id": "demo", "type": "dash"}`
	hasA     = `{"id": "demo", "type": "dash", "secret-keys": ["A"]}`
	at       = ".github/workflows/ploomber-cloud.yaml"
)

// given is a project folder, what its user answers and what the platform says.
type given struct {
	files    map[string]string
	answers  string
	flags    Flags
	platform int                    // status of the project; 0 answers with the secrets
	secrets  []string               // of the last deployment
	fetch    func() ([]byte, error) // nil: template
}

// seen is what a run did.
type seen struct {
	dir, said string
	asked     int // requests to the platform
	result    result
	err       error
}

func run(t *testing.T, g given) seen {
	t.Helper()
	s := seen{dir: t.TempDir()}
	for name, text := range g.files {
		path := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked++
		if g.platform != 0 {
			w.WriteHeader(g.platform)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "demo", "secrets": g.secrets})
	}))
	defer server.Close()
	var out, errs bytes.Buffer
	streams := &term.IO{In: strings.NewReader(g.answers), Out: term.NewStream(&out), Err: term.NewStream(&errs), JSON: true}
	o := &Options{
		IO: streams, Ask: prompt.New(streams), Flags: g.flags, Environ: func(string) (string, bool) { return "", false },
		Connect: func() (*cloudapi.Client, error) {
			return cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: "k"}), nil
		},
		Workflow: flow.Workflow{
			Folder: flow.Folder{Dir: s.dir},
			Fetch: func(context.Context, string, int64) ([]byte, error) {
				if g.fetch != nil {
					return g.fetch()
				}
				return []byte(template), nil
			},
		},
	}
	s.err = github(t.Context(), o)
	s.said = errs.String()
	if s.err != nil {
		s.said += s.err.Error()
	} else if err := json.Unmarshal(out.Bytes(), &s.result); err != nil {
		t.Fatalf("%s: %v", out.String(), err)
	}
	return s
}

func (s seen) file(name string) string {
	data, _ := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
	return string(data)
}

func TestGitHub(t *testing.T) {
	t.Parallel()
	lost := func() ([]byte, error) {
		client := remote.Client{Retry: httpclient.Retry{Max: -1}}
		return nil, client.Get(context.Background(), remote.Request{URL: "http://127.0.0.1:1/", Limit: 1}, nil)
	}
	for name, tc := range map[string]struct {
		given
		status  string // "" for an error
		added   []string
		says    string
		asked   int
		want    string // workflow afterwards; "*" is not compared
		changed bool   // ploomber-cloud.json
	}{
		"no repository": {given: given{files: map[string]string{"ploomber-cloud.json": bare}}, says: ".git"},
		"no project":    {given: given{flags: Flags{Yes: true}}, status: created, want: template},
		"end of input":  {says: "ended before an answer"},
		"refused":       {given: given{answers: "n\n"}, status: refused},
		"names the project's secrets": {
			given:  given{files: map[string]string{"ploomber-cloud.json": bare}, answers: "\n\n", secrets: []string{"A"}},
			status: created, added: []string{"A"}, asked: 1, want: withA, changed: true,
		},
		"names those of .env without their values": {
			given:  given{files: map[string]string{"ploomber-cloud.json": bare, ".env": "A=v\nBARE\n"}, flags: Flags{Yes: true, AddSecrets: is(true)}},
			status: created, added: []string{"A"}, asked: 1, want: withA, changed: true,
		},
		"names what protects the app": {
			given: given{files: map[string]string{"ploomber-cloud.json": `{"id": "demo", "type": "dash",
				"authentication": {"username": {"secret": "A"}, "password": {"secret": "A"}}}`}, flags: Flags{Yes: true, AddSecrets: is(true)}},
			status: created, added: []string{"A"}, asked: 1, want: withA, changed: true,
		},
		"names nothing that GitHub refuses": {
			given: given{files: map[string]string{"ploomber-cloud.json": bare}, flags: Flags{Yes: true, AddSecrets: is(true)},
				secrets: []string{"a.b", "A", "GITHUB_X", "x: y", "PLOOMBER_CLOUD_KEY"}},
			status: created, added: []string{"A"}, says: "secrets with these names: a.b, GITHUB_X\n", asked: 1, want: withA, changed: true,
		},
		"leaves names out": {
			given: given{files: map[string]string{"ploomber-cloud.json": bare}, flags: Flags{Yes: true, AddSecrets: is(false)},
				secrets: []string{"A"}},
			status: created, says: "A", asked: 1, want: template,
		},
		"input ends before the names": {
			given: given{files: map[string]string{"ploomber-cloud.json": bare}, answers: "y\n", secrets: []string{"A"}},
			says:  "ended before an answer", asked: 1,
		},
		"the platform fails": {
			given:  given{files: map[string]string{"ploomber-cloud.json": hasA}, flags: Flags{Yes: true}, platform: 500},
			status: created, says: "cannot fetch the secrets", asked: 1, want: withA,
		},
		"a project that is not there": {
			given:  given{files: map[string]string{"ploomber-cloud.json": hasA}, flags: Flags{Yes: true}, platform: 404},
			status: created, asked: 1, want: withA,
		},
		"a broken configuration": {
			given:  given{files: map[string]string{"ploomber-cloud.json": "{"}, flags: Flags{Yes: true}},
			status: created, says: "no other secrets", want: template,
		},
		"up to date": {
			given:  given{files: map[string]string{"ploomber-cloud.json": bare, at: "\n" + template + "\n"}, secrets: []string{"A"}},
			status: upToDate, want: "\n" + template + "\n",
		},
		"up to date, but secrets are wanted": {
			given: given{files: map[string]string{"ploomber-cloud.json": bare, at: template}, secrets: []string{"A"},
				flags: Flags{AddSecrets: is(true)}},
			status: updated, added: []string{"A"}, asked: 1, want: withA, changed: true,
		},
		"up to date with secrets": {
			given:  given{files: map[string]string{"ploomber-cloud.json": hasA, at: withA}, secrets: []string{"A"}},
			status: upToDate, asked: 1, want: withA,
		},
		"lacks what the configuration names": {
			given:  given{files: map[string]string{"ploomber-cloud.json": hasA, at: template}, answers: "\n"},
			status: updated, asked: 1, want: withA,
		},
		"one's own, kept": {given: given{files: map[string]string{at: "mine"}, answers: "n\n"}, status: refused, want: "mine"},
		"one's own, replaced": {
			given: given{files: map[string]string{at: "mine"}, answers: "y\n"}, status: updated, want: template,
		},
		"no network": {
			given:  given{files: map[string]string{"ploomber-cloud.json": bare}, flags: Flags{Yes: true}, fetch: lost},
			status: created, says: "built into this program", asked: 1, want: "*",
		},
		"an answer that is not a template": {
			given: given{flags: Flags{Yes: true}, fetch: func() ([]byte, error) { return nil, errors.New("500") }},
			says:  "cannot fetch the workflow",
		},
		"a template without the key's line": {
			given: given{files: map[string]string{"ploomber-cloud.json": hasA}, flags: Flags{Yes: true},
				fetch: func() ([]byte, error) { return []byte("name: x\n"), nil }},
			status: created, says: "does not pass an API key", asked: 1, want: "name: x\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{".git/HEAD": "x"}
			for n, text := range tc.files {
				files[n] = text
			}
			if name == "no repository" {
				delete(files, ".git/HEAD")
			}
			config := files["ploomber-cloud.json"]
			tc.given.files = files
			got := run(t, tc.given)
			if got.result.Status != tc.status || strings.Join(got.result.SecretsAdded, " ") != strings.Join(tc.added, " ") {
				t.Errorf("%+v, error %v", got.result, got.err)
			}
			if got.err != nil && failure.Code(got.err) != failure.Failed {
				t.Errorf("exit status %d", failure.Code(got.err))
			}
			if !strings.Contains(got.said, tc.says) || tc.says == "" && strings.Contains(got.said, "warning") {
				t.Errorf("says %q, want %q", got.said, tc.says)
			}
			if got.asked != tc.asked {
				t.Errorf("%d requests, want %d", got.asked, tc.asked)
			}
			workflow := got.file(at)
			if tc.want != "*" && workflow != tc.want || tc.want == "*" && !strings.Contains(workflow, "PLOOMBER_CLOUD_KEY:") {
				t.Errorf("workflow %q, want %q", workflow, tc.want)
			}
			if after := got.file("ploomber-cloud.json"); (after != config) != tc.changed {
				t.Errorf("configuration %q, was %q", after, config)
			}
		})
	}
}

// Where the workflow cannot be written the configuration stays as it was.
func TestBothOrNone(t *testing.T) {
	t.Parallel()
	g := given{
		files:   map[string]string{".git/HEAD": "x", "ploomber-cloud.json": bare, ".github": "in the way"},
		secrets: []string{"A"}, flags: Flags{Yes: true, AddSecrets: is(true)},
	}
	got := run(t, g)
	if got.err == nil || got.file("ploomber-cloud.json") != bare {
		t.Errorf("error %v, configuration %q", got.err, got.file("ploomber-cloud.json"))
	}
}
