package cli

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/cli/doctorcmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/opencmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/secretscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/statuscmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/versioncmd"
)

func (e *env) secrets() secretscmd.Options {
	return secretscmd.Options{IO: e.io, Ask: e.ask, Folder: e.folder(), Connect: e.connect, Environ: e.system.Lookup}
}

func (e *env) status() statuscmd.Options {
	return statuscmd.Options{
		IO: e.io, Folder: e.folder(), Connect: e.connect, Settings: e.settings, CompleteProjects: e.completeProjects,
	}
}

func (e *env) open() opencmd.Options {
	return opencmd.Options{
		IO: e.io, Folder: e.folder(), Connect: e.connect, Settings: e.settings, CompleteProjects: e.completeProjects,
		Browser: e.browser(),
	}
}

func (e *env) browser() opencmd.Browser {
	return opencmd.Browser{OS: runtime.GOOS, Lookup: e.system.Lookup, Start: startAside(2 * time.Second)}
}

func (e *env) doctor() doctorcmd.Options {
	return doctorcmd.Options{
		IO: e.io, Folder: e.folder(), Settings: e.settings, Connect: e.connect, Transport: e.transport,
		Environ: e.system.Lookup, OS: runtime.GOOS, Version: e.versionName(), Run: e.runHere,
	}
}

// runHere runs a program in the current folder and returns its output and exit status. The error means that it did
// not exit by itself.
func (e *env) runHere(ctx context.Context, program string, args ...string) (output string, status int, err error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.WaitDelay = e.system.Dir, time.Second
	out, err := c.Output()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return string(out), ended.ExitCode(), nil
	}
	return string(out), 0, err
}

func (e *env) version() versioncmd.Options {
	return versioncmd.Options{IO: e.io, Version: e.system.Version, Build: debug.ReadBuildInfo}
}

// versionName is the version as 'version' shows it. Reading the build information takes a while, so it is done on
// demand.
func (e *env) versionName() string { return versioncmd.Name(e.system.Version, debug.ReadBuildInfo) }

// startAside returns a function that starts a program which passes its work on and exits. If the program is still
// running after wait, it does the work itself, as a browser without a desktop does, and is left running.
func startAside(wait time.Duration) func(ctx context.Context, program string, args ...string) error {
	return func(ctx context.Context, program string, args ...string) error {
		c := exec.Command(program, args...) // not with ctx: the browser may outlive this process
		if err := c.Start(); err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		enough := time.NewTimer(wait)
		defer enough.Stop()
		select {
		case err := <-ended:
			return err
		case <-enough.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
