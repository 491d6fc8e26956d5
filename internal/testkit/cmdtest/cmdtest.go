// Package cmdtest runs commands in tests: it provides a project folder, piped answers, an in-memory platform with an
// account, and captures the output. It knows no particular command.
package cmdtest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Setup is the surroundings of one command. IO and Ask are passed to the command; the rest prepares its inputs and
// inspects the results.
type Setup struct {
	Dir   string
	Cloud *fakecloud.Cloud
	IO    *term.IO
	Ask   *prompt.Prompter
	Vars  map[string]string // the environment; see Lookup
	NoKey bool              // Connect refuses

	t         testing.TB
	out, errs output.Buffer
}

// New prepares a command run. files are the files of the project folder, by slash path; answers are the lines of
// standard input.
func New(t testing.TB, files map[string]string, answers ...string) *Setup {
	t.Helper()
	d := &Setup{t: t, Dir: t.TempDir(), Cloud: fakecloud.Start("test-key"), Vars: map[string]string{}}
	t.Cleanup(d.Cloud.Close)
	input := strings.Join(append(answers, ""), "\n")
	d.IO = &term.IO{In: strings.NewReader(input), Out: term.NewStream(&d.out), Err: term.NewStream(&d.errs)}
	d.Ask = prompt.New(d.IO)
	for name, content := range files {
		d.Write(name, content)
	}
	return d
}

// Folder is the project folder.
func (d *Setup) Folder() flow.Folder { return flow.Folder{Dir: d.Dir} }

// Connect returns an API client without retries.
func (d *Setup) Connect() (*cloudapi.Client, error) {
	if d.NoKey {
		return nil, failure.NotAllowedf("no API key")
	}
	api := cloudapi.New(cloudapi.Options{BaseURL: d.Cloud.URL(), Key: "test-key", Retries: -1})
	d.t.Cleanup(api.Close)
	return api, nil
}

// Lookup looks up a variable in Vars.
func (d *Setup) Lookup(name string) (string, bool) {
	v, ok := d.Vars[name]
	return v, ok
}

// JSON turns on --json.
func (d *Setup) JSON() { d.IO.Configure(term.Never, true, false, d.Lookup) }

// Write creates a file in the folder, with its parent folders.
func (d *Setup) Write(name, content string) {
	d.t.Helper()
	path := filepath.Join(d.Dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

// Read returns the content of a file in the folder, "" if it does not exist.
func (d *Setup) Read(name string) string {
	data, err := os.ReadFile(filepath.Join(d.Dir, filepath.FromSlash(name)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Error(err)
	}
	return string(data)
}

// Files lists the folder's files by slash path, sorted.
func (d *Setup) Files() []string {
	d.t.Helper()
	var names []string
	err := filepath.WalkDir(d.Dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, relErr := filepath.Rel(d.Dir, path)
			names, err = append(names, filepath.ToSlash(name)), relErr
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Asked lists the requests to the platform so far, such as "GET /users/me".
func (d *Setup) Asked() []string {
	asked := []string{}
	for _, r := range d.Cloud.Seen() {
		asked = append(asked, r.String())
	}
	return asked
}

// Out is what went to standard output.
func (d *Setup) Out() string { return d.out.String() }

// Said is everything that the user saw: both outputs and the error with its hint, if any.
func (d *Setup) Said(err error) string {
	said := d.out.String() + d.errs.String()
	if err != nil {
		said += err.Error() + "\n" + failure.Hint(err)
	}
	return said
}

// Run executes a command with its arguments and returns what it returned.
func Run(ctx context.Context, c *cobra.Command, args ...string) error {
	c.SilenceErrors, c.SilenceUsage = true, true
	if args == nil {
		args = []string{} // nil would mean the arguments of the test binary
	}
	c.SetArgs(args)
	return c.ExecuteContext(ctx)
}
