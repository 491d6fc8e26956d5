package platformcmd

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (o Options) newInstall(run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "install",
		Short: "Write a systemd unit that runs the platform",
		Long: "Write a systemd unit that starts the platform with the machine: for all users if run as root, otherwise for this\n" +
			"user. Further settings go to platform.env in the data folder, as variables of 'platform serve'. An existing\n" +
			"unit that differs is only replaced with --force.",
		Example: "  ploomber-cloud platform install --print\n" +
			"  sudo ploomber-cloud platform install --data /var/lib/ploomber-cloud",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	o.dataFlag(c)
	c.Flags().BoolVar(&o.Print, "print", false, "print the unit, and write nothing")
	c.Flags().BoolVar(&o.Force, "force", false, "replace an existing unit that differs")
	return c
}

// installed is what install prints with --json.
type installed struct {
	Path    string `json:"path"`
	Written bool   `json:"written"`
}

func install(_ context.Context, o *Options) error {
	data, err := o.dataFolder()
	if err != nil {
		return err
	}
	if data, err = filepath.Abs(data); err != nil {
		return failure.Failedf("cannot determine the platform's data folder: %w", err)
	}
	program, err := o.Program()
	if err != nil {
		return failure.Failedf("cannot determine the path of this program: %w", err)
	}
	text, err := unit(program, data, o.Root())
	if err != nil {
		return err
	}
	if o.Print {
		o.IO.Out.Printf("%s", text)
		return nil
	}
	if runtime.GOOS != "linux" {
		return failure.Failedf("this system has no systemd").WithHint("run 'ploomber-cloud platform serve' as a service of this system; --print shows its settings")
	}
	path, err := o.unitPath()
	if err != nil {
		return err
	}
	now, err := os.ReadFile(path) //nolint:gosec // the unit's own place
	switch {
	case err == nil && bytes.Equal(now, []byte(text)):
		return o.sayInstalled(installed{Path: path})
	case err == nil && !o.Force:
		return failure.Failedf("%s exists and differs", path).WithHint("compare it with 'ploomber-cloud platform install --print', and pass --force to replace it")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return failure.Failedf("%w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // systemd's folder
		return failure.Failedf("%w", err)
	}
	if err := fsx.Replace(fsx.File{Path: path, Data: []byte(text), Mode: fsx.Public}); err != nil {
		return failure.Failedf("%w", err)
	}
	return o.sayInstalled(installed{Path: path, Written: true})
}

func (o *Options) sayInstalled(i installed) error {
	systemctl := "systemctl --user"
	if o.Root() {
		systemctl = "systemctl"
	}
	return o.IO.Result(i, func(out *term.Stream) {
		if i.Written {
			out.Printf("Wrote %s. Start the platform, now and with the machine:\n", i.Path)
		} else {
			out.Printf("%s is up to date. Start the platform, now and with the machine:\n", i.Path)
		}
		out.Printf("  %s daemon-reload && %s enable --now ploomber-cloud\n", systemctl, systemctl)
		if !o.Root() {
			out.Printf("  loginctl enable-linger    # so that it also runs while you are not logged in\n")
		}
	})
}

// unitPath is where systemd looks for the unit.
func (o *Options) unitPath() (string, error) {
	const name = "ploomber-cloud.service"
	if o.Root() {
		return filepath.Join("/etc/systemd/system", name), nil
	}
	if dir, _ := o.Lookup("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "systemd", "user", name), nil
	}
	home, err := o.Settings.Home()
	if err != nil {
		return "", failure.Failedf("cannot determine the home folder: %w", err)
	}
	return filepath.Join(home, ".config", "systemd", "user", name), nil
}

// unit is the text of the systemd unit (systemd.service(5)).
func unit(program, data string, root bool) (string, error) {
	for _, path := range []string{program, data} {
		if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || strings.ContainsRune(`"\%$`, r) }) {
			return "", failure.Failedf("%q has a character that a systemd unit cannot hold", path)
		}
	}
	target, home := "default.target", ""
	if root {
		target, home = "multi-user.target", "# Commands of root find the platform by a file in this folder.\nEnvironment=HOME=%h\n"
	}
	return `# Written by 'ploomber-cloud platform install'.
[Unit]
Description=Ploomber Cloud platform
After=network-online.target
Wants=network-online.target

[Service]
ExecStart="` + program + `" platform serve --data "` + data + `"
` + home + `EnvironmentFile=-` + filepath.Join(data, "platform.env") + `
# After a crash, and not after 'ploomber-cloud platform stop'.
Restart=on-failure
RestartSec=1
# Apps outlive the platform: a restart or an upgrade must not stop them.
KillMode=process
NoNewPrivileges=` + map[bool]string{true: "no", false: "yes"}[root] + `

[Install]
WantedBy=` + target + `
`, nil
}
