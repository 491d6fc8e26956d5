package flow_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/remote"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

const (
	workflowAt = ".github/workflows/ploomber-cloud.yaml"
	workflow   = "env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\nrun: x\n"
)

func TestRender(t *testing.T) {
	t.Parallel()
	line := func(indent, name string) string { return indent + name + ": ${{ secrets." + name + " }}\n" }
	for name, tc := range map[string]struct {
		template string
		secrets  []string
		want     string
		missing  bool
	}{
		"no secrets":         {template: workflow, want: workflow},
		"its own indent":     {template: "a\n\t  PLOOMBER_CLOUD_KEY: x\nb\n", secrets: []string{"B", "A"}, want: "a\n\t  PLOOMBER_CLOUD_KEY: x\n" + line("\t  ", "B") + line("\t  ", "A") + "b\n"},
		"the first line":     {template: "PLOOMBER_CLOUD_KEY: x\nPLOOMBER_CLOUD_KEY: y\n", secrets: []string{"A"}, want: "PLOOMBER_CLOUD_KEY: x\n" + line("", "A") + "PLOOMBER_CLOUD_KEY: y\n"},
		"a line without end": {template: " PLOOMBER_CLOUD_KEY: x", secrets: []string{"A"}, want: " PLOOMBER_CLOUD_KEY: x\n" + line(" ", "A")},
		"the key itself":     {template: workflow, secrets: []string{"PLOOMBER_CLOUD_KEY"}, want: workflow},
		"names that would be code": {
			template: workflow, secrets: []string{"A B", "A:\n  run: rm", "é", "1A", "", "A-B", "A }}"}, want: workflow,
		},
		"no line for the key": {template: "run: x\n", secrets: []string{"A"}, want: "run: x\n", missing: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := flow.Render(tc.template, tc.secrets)
			if got != tc.want || ok == tc.missing {
				t.Errorf("%q, %t; want %q", got, ok, tc.want)
			}
		})
	}
}

// No secret's name, whatever it is, adds anything but lines of the one form.
func TestRenderAddsOnlyNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,5}`))).Draw(t, "secrets")
		got, _ := flow.Render(workflow, secrets)
		added, ok := strings.CutPrefix(got, "env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\n")
		added, end := strings.CutSuffix(added, "run: x\n")
		if !ok || !end {
			t.Fatalf("the template is changed: %q", got)
		}
		for _, line := range strings.SplitAfter(added, "\n") {
			name, rest, _ := strings.Cut(strings.TrimPrefix(line, "  "), ":")
			if line != "" && (!flow.SecretName(name) || rest != " ${{ secrets."+name+" }}\n") {
				t.Fatalf("adds %q", line)
			}
		}
		if !flow.UpToDate(got, workflow, secrets) {
			t.Fatal("what was rendered is outdated")
		}
	})
}

func TestUpToDate(t *testing.T) {
	t.Parallel()
	withA, _ := flow.Render(workflow, []string{"A"})
	for name, tc := range map[string]struct {
		current string
		want    bool
	}{
		"the template":          {workflow, true},
		"white space around it": {"\n\n" + workflow + "  \n", true},
		"with the secrets":      {withA, true},
		"other secrets":         {strings.ReplaceAll(withA, "A:", "B:"), false},
		"one's own":             {"run: mine", false},
		"nothing":               {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if flow.UpToDate(tc.current, workflow, []string{"A"}) != tc.want {
				t.Errorf("%q: want %t", tc.current, tc.want)
			}
		})
	}
}

// Advice comes after the work: it never fails, and makes a request only where there is a workflow.
func TestAdvise(t *testing.T) {
	t.Parallel()
	git := map[string]string{".git/HEAD": "x"}
	with := func(text string) map[string]string { return map[string]string{".git/HEAD": "x", workflowAt: text} }
	unreachable := (&remote.Client{Retry: httpclient.Retry{Max: -1}}).Get(t.Context(), remote.Request{URL: "http://127.0.0.1:1/", Limit: 1}, nil)
	for name, tc := range map[string]struct {
		files   map[string]string
		err     error
		fetched int
		want    flow.Advice
	}{
		"no repository":    {files: map[string]string{workflowAt: "old"}},
		"a file for .git":  {files: map[string]string{".git": "gitdir: elsewhere", workflowAt: "old"}},
		"no workflow":      {files: git, want: flow.AddWorkflow},
		"up to date":       {files: with(workflow), fetched: 1},
		"outdated":         {files: with("old"), fetched: 1, want: flow.UpdateWorkflow},
		"no network":       {files: with("old"), err: unreachable, fetched: 1},
		"a refused fetch":  {files: with("old"), err: errors.New("404"), fetched: 1},
		"a folder instead": {files: with("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files)
			if name == "a folder instead" {
				path := filepath.Join(d.Dir, filepath.FromSlash(workflowAt))
				if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
					t.Fatal(err)
				}
			}
			fetched := 0
			w := flow.Workflow{Folder: d.Folder(), URL: "u", Fetch: func(context.Context, string, int64) ([]byte, error) {
				fetched++
				return []byte(workflow), tc.err
			}}
			if got := w.Advise(t.Context(), nil); fetched != tc.fetched || got != tc.want {
				t.Errorf("%d requests, advice %d; want %d, %d", fetched, got, tc.fetched, tc.want)
			}
		})
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	get := func(handler http.HandlerFunc) flow.Workflow {
		url := "http://127.0.0.1:1/"
		if handler != nil {
			s := httptest.NewServer(handler)
			t.Cleanup(s.Close)
			url = s.URL
		}
		return flow.Workflow{URL: url, Fetch: func(ctx context.Context, url string, limit int64) ([]byte, error) {
			var b bytes.Buffer
			err := (&remote.Client{Retry: httpclient.Retry{Max: -1}}).Get(ctx, remote.Request{URL: url, Limit: limit}, &b)
			return b.Bytes(), err
		}}
	}
	answer := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	const plain, asPage = "text/plain", "text/html"
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string // the template; "" is ours
		err     string
	}{
		"the template":                     {handler: answer(200, plain, workflow), want: workflow},
		"another template":                 {handler: answer(200, plain, "name: other\n"), want: "name: other\n"},
		"of a careless host":               {handler: answer(200, asPage, workflow), want: workflow},
		"no network":                       {},
		"a page":                           {handler: answer(200, asPage, "<html>Please log in</html>")},
		"a web page instead of a workflow": {handler: answer(200, plain, "\n<!DOCTYPE html>\n<title>Log in: now</title>")},
		"a page with styles":               {handler: answer(200, plain, "<style>\nbody: x\n</style>")},
		"a page with 404":                  {handler: answer(404, asPage, "<html>no</html>")},
		"a page with 511":                  {handler: answer(511, plain, "<!doctype html><title>Log in</title>")},
		"JSON":                             {handler: answer(200, "application/json", `{"name": "x", "message": "rate limit"}`)},
		"JSON that is alike":               {handler: answer(200, plain, `{"name": "x"}`)},
		"text":                             {handler: answer(200, plain, "service unavailable")},
		"other YAML":                       {handler: answer(200, plain, "error: limit\ncode: 3\n")},
		"a list":                           {handler: answer(200, plain, "- name: x\n")},
		"nothing":                          {handler: answer(200, plain, "")},
		"garbage":                          {handler: answer(200, plain, "name: \x00\x01\xff")},
		"broken YAML":                      {handler: answer(200, plain, "name: x\n  jobs: [")},
		"more than any workflow":           {handler: answer(200, plain, strings.Repeat("# x\n", 1<<19))},
		"not there":                        {handler: answer(404, plain, "404: Not Found"), err: "404"},
		"gone":                             {handler: answer(410, plain, ""), err: "410"},
		"failing":                          {handler: answer(500, plain, "oops")},
		"out of order":                     {handler: answer(503, plain, "")},
		"over its rate limit":              {handler: answer(429, plain, "429: Too Many Requests")},
		"behind a login":                   {handler: answer(403, plain, "no")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(tc.handler)
			text, why, err := w.Template(t.Context())
			switch {
			case tc.err != "":
				if err == nil || !strings.Contains(err.Error(), tc.err) || !strings.Contains(failure.Hint(err), "--offline") {
					t.Errorf("%v, hint %q; want %s", err, failure.Hint(err), tc.err)
				}
			case err != nil, tc.want != "" && (text != tc.want || why != nil):
				t.Errorf("%q, %v, %v; want %q", text, why, err, tc.want)
			case tc.want == "" && (why == nil || !strings.Contains(text, "PLOOMBER_CLOUD_KEY:") || strings.Contains(why.Error(), "<")):
				t.Errorf("%q, %v; want ours", text, why)
			}
		})
	}
	w := get(answer(200, plain, "name: other\n"))
	w.Offline = true
	if text, why, err := w.Template(t.Context()); err != nil || why != nil || !strings.Contains(text, "PLOOMBER_CLOUD_KEY:") {
		t.Errorf("offline: %q, %v, %v", text, why, err)
	}
	w = get(answer(200, asPage, "<html>Please log in</html>"))
	w.URL += "?token=canary"
	if _, why, err := w.Template(t.Context()); err != nil || why == nil || strings.Contains(why.Error(), "canary") {
		t.Errorf("with a token: %v, %v", why, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := get(nil).Template(over); err == nil {
		t.Error("an interrupt is taken for a missing network")
	}
}
