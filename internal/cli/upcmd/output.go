package upcmd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (o *Options) address() string {
	if o.Port == 0 {
		return ""
	}
	return "127.0.0.1:" + strconv.Itoa(o.Port)
}

// logs decides where the lines of installers, the app and the server go: only results and errors are shown with
// --quiet or --json.
func (o *Options) logs() (install, app io.Writer, server *slog.Logger) {
	if !o.IO.Err.Talks() {
		return nil, nil, nil
	}
	level := slog.LevelWarn
	if o.Verbose() {
		install, level = o.IO.Err, slog.LevelInfo
	}
	if o.IO.Err.TTY() {
		return install, o.IO.Err, term.NewLogger(o.IO.Err, term.LogOptions{Level: level, Skip: []string{"request"}})
	}
	return install, o.IO.Err, slog.New(slog.NewTextHandler(o.IO.Err, &slog.HandlerOptions{Level: level}))
}

func (o *Options) notify(e platform.Event) {
	if e.Detail != "" {
		o.activity.Detail(e.Detail)
		return
	}
	o.activity.End()
	if e.Warning {
		o.IO.Err.Warn("%s", e.Message)
		return
	}
	if e.Phase == platform.Building && o.FirstBuild != "" {
		o.IO.Err.Note("%s", o.FirstBuild)
		o.FirstBuild = ""
	}
	switch e.Phase {
	case platform.Noticed:
		o.IO.Err.Warn("%s", e.Message)
	case platform.Crashed:
		if e.Delay == 0 {
			o.IO.Err.Warn("the app does not start: %v; it will be restarted when a file is saved", e.Err)
			return
		}
		o.IO.Err.Warn("the app crashed (%v); restarting it in %s", e.Err, e.Delay.Round(time.Second))
	case platform.Ready: // shown by show, with everything that belongs to it
	case platform.Stopped: // follows immediately, or adds nothing to Stopping
	default:
		o.IO.Err.Note("%s", e.Message)
	}
	if e.Phase == platform.Building {
		o.activity.Begin()
	}
}

// redrawEvery is the interval between updates of the build progress.
const redrawEvery = 500 * time.Millisecond

// followBuild draws the build progress until end is called. With --verbose the installer's lines are more
// detailed.
func (o *Options) followBuild() (end func()) {
	o.activity = term.NewActivity(o.IO.Err, o.Now)
	if !o.IO.Err.TTY() || o.Verbose() {
		return o.activity.End
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				o.activity.Draw()
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		o.activity.End()
	}
}

func (o *Options) explain(err error) error {
	var problem *platform.Problem
	if !errors.As(err, &problem) {
		return err
	}
	f := &failure.Error{Code: failure.Failed, Msg: problem.Error(), Hint: problem.Hint}
	if errors.Is(err, platform.ErrTaken) {
		f.Hint = "choose another port with --port, or leave --port out to take the next free one"
	}
	if len(problem.Output) > 0 && !problem.Shown {
		f.Msg += "\n    " + strings.Join(problem.Output, "\n    ")
	}
	return f
}

// sayWhichPort explains why the app is not on its usual port.
func (o *Options) sayWhichPort(at *url.URL) {
	_, usual, _ := net.SplitHostPort(localcloud.DefaultAddress)
	if o.Port == 0 && at.Port() != usual {
		o.IO.Err.Warn("port %s is in use by another program, so the app is on port %s; choose one with --port", usual, at.Port())
	}
}

func (o *Options) show(ctx context.Context, s Served) error {
	if o.Open {
		if err := o.Browse(ctx, s.URL); err != nil {
			o.IO.Err.Warn("the browser could not be opened: %v", err)
		}
	}
	return o.IO.Result(s, func(out *term.Stream) {
		out.Printf("%s %s\n", out.Green("Your app runs at"), out.Bold(s.URL))
		for _, p := range s.Protected {
			out.Println(out.Wrapped("  "+p, 2))
		}
		if s.DevLogin != nil {
			out.Println(out.Wrapped("Log in as "+out.Bold(strings.Join(s.DevLogin.Users, ", "))+", or as any other user: no password needed", 2))
		}
		if s.Registration != nil {
			out.Println(out.Wrapped("Register these URLs with the provider, exactly as they are:", 0))
			list(out, "Allowed Callback URLs", s.Callbacks)
			list(out, "Allowed Logout URLs", s.Logouts)
		}
		o.IO.Err.Note("Press Ctrl-C to stop it.")
	})
}

func list(out *term.Stream, title string, urls []string) {
	out.Println("  " + out.Bold(title))
	for _, u := range urls {
		out.Println("    " + u)
	}
}
