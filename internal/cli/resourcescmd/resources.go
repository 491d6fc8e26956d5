// Package resourcescmd chooses the CPUs, memory and GPUs of a project.
package resourcescmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	Ask     dialog.Asker
	Folder  flow.Folder // Folder.Config is a flag
	Connect flow.Connect
	Flags
}

// Flags are the values set on the command line; nil means not given.
type Flags struct {
	Force    bool
	CPU      *float64
	RAM, GPU *int
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = resources
	}
	var cpu float64
	var ram, gpu int
	c := &cobra.Command{
		Use:         "resources",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Choose CPUs, memory and GPUs",
		Long:        "Choose the CPUs, memory and GPUs for each deployment of the project, within the limits of your tier.",
		Example: "  ploomber-cloud resources\n" +
			"  ploomber-cloud resources --cpu 1 --ram 2 --gpu 0\n" +
			"  ploomber-cloud resources --force              # choose again",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("cpu") {
				o.CPU = &cpu
			}
			if c.Flags().Changed("ram") {
				o.RAM = &ram
			}
			if c.Flags().Changed("gpu") {
				o.GPU = &gpu
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.Force, "force", "f", false, "choose again even if resources are configured")
	f.Float64Var(&cpu, "cpu", 0, "number of CPU `CORES`")
	f.IntVar(&ram, "ram", 0, "memory in `GB`")
	f.IntVar(&gpu, "gpu", 0, "number of `GPUS`")
	flagset.Config(c, &o.Folder.Config)
	return c
}

func resources(ctx context.Context, o *Options) error {
	c, err := o.Folder.Load()
	var invalid *project.Invalid
	if err != nil && (!o.Force || !errors.As(err, &invalid) || !invalid.Only("resources")) {
		return err
	}
	if c.Resources != nil && !o.Force {
		return failure.Failedf("Resources already configured: %g CPU, %d GB RAM, %d GPU", c.Resources.CPU, c.Resources.RAM, c.Resources.GPU).
			WithHint("to change them, run 'ploomber-cloud resources --force'")
	}
	if err := o.answerable(ctx); err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	plan, err := flow.Tier(ctx, api)
	if err != nil {
		return err
	}
	r, err := o.choose(ctx, plan)
	if err != nil {
		return err
	}
	c.Resources = &r
	if err := o.Folder.Save(c, flow.Env{}); err != nil {
		return err
	}
	return o.IO.Result(r, func(out *term.Stream) {
		out.Printf("%s: %g CPU, %d GB RAM, %d GPU\n", out.Green("Resources successfully configured"), r.CPU, r.RAM, r.GPU)
	})
}

// answerable returns an error if a prompt will be needed and no one can answer it.
func (o *Options) answerable(ctx context.Context) error {
	var missing []string
	if o.GPU == nil {
		missing = append(missing, "--gpu")
	}
	if o.GPU == nil || *o.GPU == 0 { // a GPU determines the rest
		if o.CPU == nil {
			missing = append(missing, "--cpu")
		}
		if o.RAM == nil {
			missing = append(missing, "--ram")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return o.Ask.Expect(ctx, prompt.Question{Label: "Select the resources", Flag: strings.Join(missing, ", ")})
}

func (o *Options) choose(ctx context.Context, plan tier.Tier) (project.Resources, error) {
	var r project.Resources
	gpu, err := o.one(ctx, "GPUs", "--gpu", plan.GPUs(), number(o.GPU), plan.CheckGPUs)
	if err != nil {
		return r, err
	}
	r.GPU = int(gpu)
	if r.GPU > 0 {
		r.CPU, r.RAM = tier.GPUMachineCPU, tier.GPUMachineRAM
		if o.CPU != nil {
			r.CPU = *o.CPU
		}
		if o.RAM != nil {
			r.RAM = *o.RAM
		}
		return r, plan.CheckResources(r.CPU, r.RAM, r.GPU)
	}
	if r.CPU, err = o.one(ctx, "CPUs", "--cpu", plan.CPUs(), o.CPU, plan.CheckCPUs); err != nil {
		return r, err
	}
	checkRAM := func(gb float64) error { return plan.CheckRAM(r.CPU, gb) }
	ram, err := o.one(ctx, "GB of RAM", "--ram", plan.RAMs(r.CPU), number(o.RAM), checkRAM)
	r.RAM = int(ram)
	return r, err
}

func number(n *int) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

// one takes the value of a flag, if check allows it, or prompts; the first option is the default.
func (o *Options) one(ctx context.Context, what, flag string, options []tier.Option, given *float64, check func(float64) error) (float64, error) {
	if given != nil {
		if err := check(*given); err != nil {
			return 0, fmt.Errorf("%s: %w", flag, err)
		}
		return *given, nil
	}
	labels := make([]string, 0, len(options))
	for _, option := range options {
		labels = append(labels, option.Label())
	}
	q := prompt.Question{Label: "Select number of " + what, Flag: flag, Default: options[0].Text(), Exact: true}
	n, err := o.Ask.Choose(ctx, q, labels, "Invalid entry. Please select an option from the list.", func(answer string) (int, bool) {
		i := slices.IndexFunc(options, func(o tier.Option) bool { return o.Text() == answer })
		return i, i >= 0
	})
	if err != nil {
		return 0, err
	}
	return options[n].Value, nil
}
