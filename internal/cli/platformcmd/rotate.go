package platformcmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (o Options) newRotateSecrets(run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "rotate-secrets-key",
		Short: "Encrypt all stored secrets with a new key",
		Long: "Replace the key in secrets.key, and encrypt the secrets of all deployments with the new one. It works while the\n" +
			"platform runs. Backups of the data folder that were made before need the former key.",
		Example: "  ploomber-cloud platform rotate-secrets-key",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	o.dataFlag(c)
	return c
}

func rotateSecrets(ctx context.Context, o *Options) (err error) {
	data, err := o.dataFolder()
	if err != nil {
		return err
	}
	users, err := localcloud.OpenUsers(ctx, data, o.Now, o.Random)
	if err != nil {
		return Explain(err)
	}
	defer func() { err = errors.Join(err, users.Close()) }()
	if err := users.RotateSecrets(ctx); err != nil {
		return Explain(err)
	}
	return o.IO.Result(struct {
		Data string `json:"data"`
	}{data}, func(out *term.Stream) { out.Printf("All secrets are encrypted with a new key.\n") })
}
