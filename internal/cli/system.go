// Package cli is the command line: it provides every command with its dependencies and turns its result into
// messages and an exit status. What the commands do is in the packages below and in package flow.
package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/remote"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// System holds everything from the process that a command could otherwise only get from globals.
type System struct {
	Args         []string // without the program's name
	In, Out, Err *os.File
	Lookup       func(name string) (string, bool)
	Environ      func() []string // "NAME=value"
	Now          func() time.Time
	TempDir      func() string
	Dir          string // the current folder
	Version      string
}

// Main runs one command line and returns the exit status.
func Main(s System) int {
	e := newEnv(s)
	defer func() { e.release() }()
	root := e.root(func(command string) bool { return slices.Contains(s.Args, command) })
	root.SetArgs(s.Args)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		err = e.lost()
	}
	return e.finish(err)
}

// watchSignals cancels the command's context on an interrupt. It is only started when a command runs: help and
// completion are quick and should not cost a thread.
func (e *env) watchSignals(c *cobra.Command) {
	e.ctx, e.release = signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	c.SetContext(e.ctx)
}

// env is what the commands of one run share.
type env struct {
	system   System
	io       *term.IO
	ask      *prompt.Prompter
	settings *settings.Settings
	flags    flags

	ctx     context.Context // of the running command
	release func()          // stops watching for signals
}

// flags are the global flags.
type flags struct {
	json, noInput, quiet, verbose bool
	color                         term.Mode
	caCert                        string
}

func newEnv(s System) *env {
	streams := term.Open(s.In, s.Out, s.Err, term.Auto, s.Lookup)
	home := "HOME"
	if runtime.GOOS == "windows" {
		home = "USERPROFILE"
	}
	e := &env{
		system: s, io: streams, ask: prompt.New(streams),
		settings: &settings.Settings{Lookup: s.Lookup, Home: settings.HomeFrom(s.Lookup, home)},
		flags:    flags{color: term.Auto},
		ctx:      context.Background(), release: func() {},
	}
	e.settings.Prove = e.prove
	return e
}

// apply puts the flags of this run into effect. JSON may be needed before all flags are parsed, to report a flag
// error.
func (e *env) apply() {
	e.io.Configure(e.flags.color, e.flags.json, e.flags.quiet, e.system.Lookup)
	kind, _ := e.system.Lookup("TERM")
	e.ask.Options = prompt.Options{NoInput: e.flags.noInput, CI: e.settings.InCI(), Dumb: kind == "dumb"}
}

func (e *env) remoteOptions() remote.Options {
	lookup := func(name string) string { v, _ := e.system.Lookup(name); return v }
	o := remote.Options{Lookup: lookup}
	if e.flags.caCert != "" {
		o.CAFiles = []string{e.flags.caCert}
	}
	return o
}

// authorities are the trusted certificate authorities; nil means the system's.
func (e *env) authorities() (*x509.CertPool, error) {
	pool, err := remote.Authorities(e.remoteOptions())
	if err != nil {
		return nil, &failure.Error{Code: failure.Failed, Err: err}
	}
	return pool, nil
}

// transport is the HTTP transport, created on first use.
func (e *env) transport() (http.RoundTripper, error) {
	t, err := remote.Transport(e.remoteOptions())
	if err != nil {
		return nil, &failure.Error{Code: failure.Failed, Err: err}
	}
	if e.flags.verbose {
		return traced{t, e.io.Err, e.system.Now}, nil
	}
	return t, nil
}

func (e *env) userAgent() string { return "ploomber-cloud/" + e.versionName() }

// connect creates an API client with the user's key.
func (e *env) connect() (*cloudapi.Client, error) {
	base, err := e.settings.API()
	if err != nil {
		return nil, err
	}
	key, err := e.settings.Key()
	if err != nil {
		return nil, err
	}
	o, err := e.client(base, key.Reveal())
	if err != nil {
		return nil, err
	}
	return cloudapi.New(o), nil
}

// client returns the options of an API client for one host and key.
func (e *env) client(api, key string) (cloudapi.Options, error) {
	t, err := e.transport()
	return cloudapi.Options{BaseURL: api, Key: key, Transport: t, UserAgent: e.userAgent()}, err
}

// proofTime is how long a platform on this machine has to answer before it counts as down.
const proofTime = 2 * time.Second

// prove makes a platform on this machine prove that it knows a key, without sending the key.
func (e *env) prove(api, key string) error {
	o, err := e.client(api, key)
	if err != nil {
		return err
	}
	o.Timeout, o.Retries = proofTime, -1
	return cloudapi.Prove(e.ctx, o)
}

// downloads creates a client for hosts other than the platform.
func (e *env) downloads() (*remote.Client, error) {
	t, err := e.transport()
	if err != nil {
		return nil, err
	}
	return &remote.Client{Transport: t, UserAgent: e.userAgent()}, nil
}

// fetch downloads a small file.
func (e *env) fetch(ctx context.Context, url string, limit int64) ([]byte, error) {
	client, err := e.downloads()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = client.Get(ctx, remote.Request{URL: url, Limit: limit}, &b)
	return b.Bytes(), err
}

func (e *env) folder() flow.Folder { return flow.Folder{Dir: e.system.Dir} }

// progress draws the progress of a transfer on a terminal.
func (e *env) progress(step string) (update func(done, total int64), end func()) {
	if e.flags.quiet || e.flags.json {
		return nil, func() {}
	}
	p := term.NewProgress(e.io.Err, step, e.system.Now)
	return p.Update, p.Done
}

// traced logs each outgoing request, without headers and query, which may be secret.
type traced struct {
	next http.RoundTripper
	err  *term.Stream
	now  func() time.Time
}

func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	began := t.now()
	reply, err := t.next.RoundTrip(r)
	outcome := "no reply"
	if err == nil {
		outcome = reply.Status
	}
	t.err.Detail("%s %s://%s%s: %s (%s)", r.Method, r.URL.Scheme, r.URL.Host, r.URL.EscapedPath(),
		outcome, t.now().Sub(began).Round(time.Millisecond))
	return reply, err
}

// CloseIdleConnections closes the idle connections of the wrapped transport.
func (t traced) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// wantsJSON looks for --json before flags are parsed, so that flag errors are reported as JSON too.
func wantsJSON(args []string) (wanted bool) {
	for _, a := range args {
		if a == "--" {
			break
		}
		name, value, given := strings.Cut(a, "=")
		if name != "--json" {
			continue
		}
		wanted = !given
		if yes, err := strconv.ParseBool(value); err == nil {
			wanted = yes
		}
	}
	return wanted
}
