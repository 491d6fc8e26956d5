package platformcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (o Options) newStop(run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "stop",
		Short: "Stop the platform, and its apps with --apps",
		Long: "Stop the platform that serves a data folder. The apps go on running, and the next start finds them. With --apps\n" +
			"they are stopped too; then each one starts again when someone opens it.",
		Example: "  ploomber-cloud platform stop\n" +
			"  ploomber-cloud platform stop --apps",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	o.dataFlag(c)
	c.Flags().BoolVar(&o.Apps, "apps", false, "stop the apps too")
	return c
}

// stopped is what stop prints with --json.
type stopped struct {
	Platform bool `json:"platform"` // it was running
	Apps     int  `json:"apps"`     // that were stopped
}

func stop(ctx context.Context, o *Options) error {
	data, err := o.dataFolder()
	if err != nil {
		return err
	}
	was, err := localcloud.Stop(ctx, data)
	if err != nil {
		return Explain(err)
	}
	result := stopped{Platform: was}
	if o.Apps {
		if result.Apps, err = localcloud.StopApps(data); err != nil {
			return Explain(err)
		}
	}
	return o.IO.Result(result, func(out *term.Stream) {
		switch {
		case was:
			out.Printf("The platform has stopped.\n")
		default:
			out.Printf("The platform was not running.\n")
		}
		if o.Apps {
			out.Printf("Apps stopped: %d\n", result.Apps)
		}
	})
}
