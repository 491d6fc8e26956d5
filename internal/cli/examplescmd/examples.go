// Package examplescmd copies an example app into a new folder, or lists the available examples.
package examplescmd

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	Ask     dialog.Asker
	Dir     string                          // the folder that --dest is relative to
	Catalog func() (catalog.Catalog, error) // the error means that there is no home folder for the cache
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Name                string // "framework/example"; prompted for if ""
	Dest                string // prompted for if ""
	List                bool
	ClearCache, Offline bool
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = examples
	}
	c := &cobra.Command{
		Use:   "examples [FRAMEWORK/EXAMPLE]",
		Short: "Start from an example app",
		Long: "Copy an example app into a new folder. Without a name, choose one from two menus.\n" +
			"The examples of the documentation are downloaded and cached for a day; those built into this\n" +
			"program need no network.",
		Example: "  ploomber-cloud examples\n" +
			"  ploomber-cloud examples streamlit/app-with-auth0 --dest my-app\n" +
			"  ploomber-cloud examples --list\n" +
			"  ploomber-cloud examples --list --offline       # without the network",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.Name = args[0]
			}
			switch {
			case o.List && (o.Name != "" || o.Dest != ""):
				return failure.Usagef("--list copies nothing: pass it without a name or --dest")
			case o.Offline && o.ClearCache:
				return failure.Usagef("--clear-cache downloads the examples again, which --offline forbids")
			}
			return run(c.Context(), &o)
		},
		ValidArgsFunction: o.complete,
	}
	f := c.Flags()
	f.BoolVar(&o.ClearCache, "clear-cache", false, "download the examples again")
	f.StringVar(&o.Dest, "dest", "", "copy to `FOLDER`, which must not exist")
	f.BoolVar(&o.List, "list", false, "list all examples")
	f.BoolVar(&o.Offline, "offline", false, "use no network: only built-in and already downloaded examples")
	return c
}

// result is what --json prints.
type result struct {
	listed
	Folder string `json:"folder"` // the folder of the copy
}

// left is what --json prints if the user left the menu.
type left struct {
	Status string `json:"status"` // "canceled"
}

func examples(ctx context.Context, o *Options) error {
	if err := o.answerable(ctx); err != nil {
		return err
	}
	all, err := o.load(ctx)
	if err != nil {
		return err
	}
	if o.List {
		return o.list(all)
	}
	var from found
	if o.Name != "" {
		from, err = all.find(o.Name)
	} else {
		from, err = o.choose(ctx, all[0])
	}
	if err != nil {
		return err
	}
	if from.Name == "" {
		return o.IO.Result(left{"canceled"}, func(*term.Stream) {})
	}
	dest := o.Dest
	if dest == "" {
		if dest, err = o.Ask.Text(ctx, whichFolder(from.Name)); err != nil {
			return err
		}
	}
	dest = filepath.Clean(dest)
	target := dest
	if !filepath.IsAbs(dest) {
		target = filepath.Join(o.Dir, dest)
	}
	if err := from.CopyTo(ctx, target); errors.Is(err, catalog.ErrExists) {
		return (&failure.Error{Code: failure.Failed, Err: err}).WithHint("choose another folder with --dest")
	} else if err != nil {
		return err
	}
	return o.IO.Result(result{from.listed(), dest}, func(out *term.Stream) {
		out.Printf("%s is in %s. To run and deploy it:\n\n", out.Bold(from.Title), dest)
		commands, without := steps(from.Name, dest)
		for _, line := range commands {
			out.Println("  " + line)
		}
		out.Println("\nWithout an account, run it here: " + without)
	})
}

// answerable returns an error if a prompt will be needed and no one can answer it.
func (o *Options) answerable(ctx context.Context) error {
	switch {
	case o.List:
		return nil
	case o.Name == "":
		return o.Ask.Expect(ctx, whichFramework())
	case o.Dest == "":
		if _, name, ok := strings.Cut(o.Name, "/"); ok && name != "" { // otherwise the name is wrong, which is reported later
			return o.Ask.Expect(ctx, whichFolder(name))
		}
	}
	return nil
}

func whichFolder(name string) prompt.Question {
	return prompt.Question{Label: "Enter the folder to create", Default: name, Flag: "--dest, such as --dest " + name}
}

// steps are the commands to run next, and the alternatives without an account.
func steps(name, dest string) (commands []string, without string) {
	login := "ploomber-cloud auth --add           # a user name and a password"
	without = "ploomber-cloud auth --add --offline && ploomber-cloud up"
	if strings.HasSuffix(name, "auth0") {
		login = "ploomber-cloud templates auth0      # the values of your Auth0 application"
		without = "ploomber-cloud up --dev-login"
	}
	return []string{
		"cd " + quoted(dest),
		"ploomber-cloud init",
		login,
		"ploomber-cloud up                   # run it here, behind that login",
		"ploomber-cloud deploy",
	}, without
}

// quoted quotes a folder for pasting into a shell.
func quoted(folder string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`./\_-:`, r)
	}
	if strings.ContainsFunc(folder, func(r rune) bool { return !plain(r) }) {
		return `"` + folder + `"`
	}
	return folder
}
