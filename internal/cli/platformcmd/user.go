package platformcmd

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (o Options) newUser(with func(func(context.Context, *Options) error) func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Manage the users of the platform",
		Long:  "Manage the users of a platform, in its data folder. All of these commands also work while the platform runs.",
		Example: "  ploomber-cloud platform user add ann --tier teams\n" +
			"  ploomber-cloud platform user list",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	named := func(use, short, example string, do func(context.Context, *Options, *localcloud.Users) error) *cobra.Command {
		run := with(func(ctx context.Context, o *Options) error { return o.withUsers(ctx, do) })
		sub := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1)}
		sub.RunE = func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return run(c.Context(), &o)
		}
		o.dataFlag(sub)
		return sub
	}
	tier := func(c *cobra.Command, usage string) { flagset.OneOf(c, &o.Tier, "tier", usage, tiers()) }
	add := named("add NAME", "Add a user, and print the API key once", "  ploomber-cloud platform user add ann --tier teams", addUser)
	tier(add, "what the user may do; owner has no limits (default: pro)")
	change := named("set-tier NAME [TIER]", "Change what a user may do", "  ploomber-cloud platform user set-tier ann pro", setTier)
	tier(change, "the new tier")
	change.Args = o.tierArgument
	rotate := named("rotate-key NAME", "Replace the API key of a user, and print it once", "  ploomber-cloud platform user rotate-key ann", rotateKey)
	remove := named("remove NAME", "Remove a user; the projects pass to the owner", "  ploomber-cloud platform user remove ann", removeUser)
	show := with(func(ctx context.Context, o *Options) error { return o.withUsers(ctx, listUsers) })
	list := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the users", Example: "  ploomber-cloud platform user list --json", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return show(c.Context(), &o) },
	}
	o.dataFlag(list)
	c.AddCommand(add, list, rotate, change, remove)
	return c
}

// tiers are the names of all tiers.
func tiers() []string {
	names := make([]string, 0, len(platform.Tiers()))
	for _, t := range platform.Tiers() {
		names = append(names, string(t))
	}
	return names
}

// tierArgument takes the tier from the second argument, or from --tier.
func (o *Options) tierArgument(_ *cobra.Command, args []string) error {
	if len(args) == 2 && o.Tier == "" {
		o.Tier = args[1]
	}
	switch {
	case len(args) == 0 || len(args) > 2 || o.Tier == "":
		return failure.Usagef("set-tier needs the name of a user and a tier").WithHint("such as 'ploomber-cloud platform user set-tier ann pro'")
	case !slices.Contains(tiers(), o.Tier):
		return failure.Usagef("%w", flagset.Unknown("tier", o.Tier, tiers()))
	}
	return nil
}

// withUsers opens the users of the data folder for do.
func (o *Options) withUsers(ctx context.Context, do func(context.Context, *Options, *localcloud.Users) error) (err error) {
	data, err := o.dataFolder()
	if err != nil {
		return err
	}
	users, err := localcloud.OpenUsers(ctx, data, o.Now, o.Random)
	if err != nil {
		return Explain(err)
	}
	defer func() { err = errors.Join(err, users.Close()) }()
	err = do(ctx, o, users)
	switch {
	case errors.Is(err, platform.ErrNotFound):
		return failure.Failedf("there is no user %q", o.Name).WithHint("'ploomber-cloud platform user list' shows the users")
	case errors.Is(err, platform.ErrExists):
		return failure.Failedf("there is already a user %q", o.Name).WithHint("'ploomber-cloud platform user rotate-key %s' gives a new key", o.Name)
	case errors.Is(err, platform.ErrState):
		return failure.Failedf("the owner of the platform cannot be changed or removed")
	}
	return err
}

// withKey is what --json prints of a user together with the new API key.
type withKey struct {
	Name string        `json:"name"`
	Tier platform.Tier `json:"tier"`
	Key  string        `json:"key"`
}

func (o *Options) showKey(u withKey) error {
	return o.IO.Result(u, func(out *term.Stream) {
		o.IO.Err.Note("The API key of %s (%s). It is not shown again:", u.Name, u.Tier)
		out.Printf("%s\n", u.Key)
	})
}

func addUser(ctx context.Context, o *Options, users *localcloud.Users) error {
	if err := platform.CheckUserName(o.Name); err != nil {
		return failure.Usagef("%w", err)
	}
	tier := cmp.Or(platform.Tier(o.Tier), platform.Pro)
	key, err := users.Add(ctx, o.Name, tier)
	if err != nil {
		return err
	}
	return o.showKey(withKey{o.Name, tier, key})
}

func rotateKey(ctx context.Context, o *Options, users *localcloud.Users) error {
	u, key, err := users.RotateKey(ctx, o.Name)
	if err != nil {
		return err
	}
	return o.showKey(withKey{u.Name, u.Tier, key})
}

// user is what --json prints of a user.
type user struct {
	Name     string        `json:"name"`
	Tier     platform.Tier `json:"tier"`
	Projects int           `json:"projects"`
	Created  string        `json:"created"`
}

func listUsers(ctx context.Context, o *Options, users *localcloud.Users) error {
	all, err := users.List(ctx)
	if err != nil {
		return err
	}
	shown := make([]user, len(all))
	for i, u := range all {
		shown[i] = user{u.Name, u.Tier, u.Projects, u.Created.UTC().Format("2006-01-02T15:04:05Z")}
	}
	return o.IO.Result(struct {
		Users []user `json:"users"`
	}{shown}, func(out *term.Stream) {
		out.Printf("%-24s %-10s %8s  %s\n", "USER", "TIER", "PROJECTS", "SINCE")
		for _, u := range shown {
			out.Printf("%-24s %-10s %8d  %s\n", u.Name, u.Tier, u.Projects, u.Created[:10])
		}
	})
}

func setTier(ctx context.Context, o *Options, users *localcloud.Users) error {
	if err := users.SetTier(ctx, o.Name, platform.Tier(o.Tier)); err != nil {
		return err
	}
	return o.done("The tier of %s is %s now.", o.Name, o.Tier)
}

func removeUser(ctx context.Context, o *Options, users *localcloud.Users) error {
	if err := users.Remove(ctx, o.Name); err != nil {
		return err
	}
	return o.done("The user %s is removed. Projects of that user belong to the owner now.", o.Name)
}

// done prints the result of a change.
func (o *Options) done(format string, args ...any) error {
	return o.IO.Result(struct {
		Name string `json:"name"`
	}{o.Name}, func(out *term.Stream) { out.Printf(format+"\n", args...) })
}
