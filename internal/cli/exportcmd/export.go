// Package exportcmd exports a project's login to other programs that can serve in front of an app.
package exportcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO     *term.IO
	Folder flow.Folder // Folder.Config and Folder.EnvFile are flags
	Lookup flow.Lookup
	Flags
}

// Flags are the values set on the command line, each for the commands that have it.
type Flags struct {
	Dir           string // where files are written, relative to the project folder
	Force, Stdout bool
	Nginx         NginxFlags
}

// New builds the command with those below it. run is nil in production; a parse test passes its own to look at
// Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Export the project's login to other programs, such as nginx",
		Long: "For a web server that is already in front of the app and can check the project's passwords itself, in place of\n" +
			"'ploomber-cloud proxy'.",
		Example: "  ploomber-cloud export nginx --upstream http://127.0.0.1:8501",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newNginx(o, run))
	return c
}

// nameless is the base name of the files for a folder that is not a project of the platform.
const nameless = "app"

// project reads the login as 'up' and 'deploy' do, and returns it with the base name of the exported files.
func (o *Options) project() (export.Project, error) {
	env, err := o.Folder.Env()
	if err != nil {
		return export.Project{}, err
	}
	if !env.Exists && o.Folder.EnvFile != "" {
		return export.Project{}, failure.Failedf("file not found: %s", env.Path)
	}
	c, there, err := o.Folder.Find()
	if err != nil {
		return export.Project{}, err
	}
	if !there {
		c = &project.Config{}
	}
	source := o.Folder.LoginSource(env, c, o.Lookup)
	login, err := config.From(source)
	switch {
	case errors.Is(err, config.ErrUnprotected):
		return export.Project{}, failure.Failedf("nothing protects this app").
			WithHint("run 'ploomber-cloud auth --add' (with --offline if you have no account)")
	case err != nil:
		return export.Project{}, &failure.Error{Code: failure.Failed, Err: err}
	}
	name := c.ID
	if name == "" {
		name = nameless
	}
	return export.Project{Name: name, Login: login}, nil
}

// dir is the absolute path of the output folder.
func (o *Options) dir() (string, error) {
	dir := o.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(o.Folder.Dir, dir)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", failure.Failedf("the folder %s cannot be found: %w", o.Dir, err)
	}
	return dir, nil
}

// write writes all files into the folder, or none, and returns their paths as the user would type them.
func (o *Options) write(dir string, files []export.File) ([]string, error) {
	var paths []string
	var out []fsx.File
	for _, f := range files {
		shown, at := filepath.Join(o.Dir, f.Name), filepath.Join(dir, f.Name)
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) && !o.Force {
			if err != nil {
				return nil, failure.Failedf("cannot write %s: %w", shown, err)
			}
			return nil, failure.Failedf("%s already exists", shown).WithHint("replace it with --force, or write to another folder with --dir")
		}
		file := fsx.File{Path: at, Data: f.Data, Mode: fsx.Public}
		if f.Secret { // a replaced file keeps its group, through which the web server reads it
			file.Mode = fsx.Private
		}
		paths, out = append(paths, shown), append(out, file)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, failure.Failedf("cannot create the folder %s: %w", o.Dir, fsx.Cause(err))
	}
	if err := fsx.Replace(out...); err != nil {
		return nil, &failure.Error{Code: failure.Failed, Err: err}
	}
	return paths, nil
}

// explain adds a hint to the reasons why an export can fail.
func explain(err error) error {
	const sidecar = "put 'ploomber-cloud proxy' between nginx and the app"
	var option *export.OptionError
	f := &failure.Error{Code: failure.Failed, Err: err}
	switch {
	case errors.As(err, &option):
		return failure.Usagef("--%s %w", option.Option, option.Err)
	case errors.Is(err, export.ErrProvider):
		return f.WithHint(sidecar + ": it has a login page")
	case errors.Is(err, export.ErrForm):
		return f.WithHint("set AUTH_PASSWORD_MODE=basic, or " + sidecar)
	case errors.Is(err, export.ErrUsername):
		return f.WithHint("choose another with 'ploomber-cloud auth --add --overwrite'")
	case errors.Is(err, export.ErrPassword):
		return f.WithHint("choose another --hash, or another password with 'ploomber-cloud auth --add --overwrite'")
	}
	return f
}

func protection(c config.Config) []string {
	var words []string
	for _, r := range c.Rules() {
		words = append(words, fmt.Sprint(r))
	}
	return words
}
