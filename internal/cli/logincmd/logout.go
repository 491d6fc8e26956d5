package logincmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// NewLogout builds the command logout. run is nil in production; tests pass their own to inspect Options.
func NewLogout(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = logout
	}
	return &cobra.Command{
		Use:   "logout [URL]",
		Short: "Forget a platform and its key",
		Long:  "Forget the platform that you are logged in to, or the given one, and the key that is stored for it. No request is made.",
		Example: "  ploomber-cloud logout\n" +
			"  ploomber-cloud logout https://apps.example.com",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.URL = o.Settings.APIURL
			if len(args) == 1 {
				o.URL = args[0]
			}
			return run(c.Context(), &o)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}

// forgotten is what --json prints.
type forgotten struct {
	API     string `json:"api"`     // "" if there was none
	Removed bool   `json:"removed"` // false if nothing was stored
}

func logout(_ context.Context, o *Options) error {
	var r forgotten
	switch now, err := o.Settings.Login(); {
	case err != nil:
		return err
	case o.URL != "":
		if r.API, err = settings.LoginURL(o.URL, true); err != nil {
			return err
		}
	case now != nil:
		r.API = now.API
	}
	if r.API != "" {
		var err error
		if r.Removed, err = o.Settings.Logout(r.API); err != nil {
			return err
		}
	}
	return o.IO.Result(r, func(out *term.Stream) {
		switch {
		case r.API == "":
			out.Println("You were not logged in.")
		case !r.Removed:
			out.Printf("Nothing was stored for %s.\n", r.API)
		default:
			out.Printf("Logged out of %s.\n", r.API)
		}
	})
}
