package platformcmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (o Options) newServe(run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the platform until it is stopped",
		Long: "Serve the platform: its API, the apps and a dashboard. The first start creates the user 'owner', whose API key is\n" +
			"in owner.key in the data folder; commands of the same user on this machine find it by themselves. SIGTERM\n" +
			"ends the platform and leaves the apps running for the next start. Each flag has a variable:\n" +
			"PLOOMBER_PLATFORM_API_LISTEN for --api-listen.",
		Example: "  ploomber-cloud platform serve\n" +
			"  ploomber-cloud platform serve --data /srv/ploomber --sleep-after 1h\n" +
			"  ploomber-cloud platform serve --apps-domain apps.example.com --apps-listen :443 --api-listen :8443 \\\n" +
			"      --dashboard-listen :8444 --tls-cert tls.crt --tls-key tls.key\n" +
			"  ploomber-cloud platform serve --public-apps https://apps.example.com \\\n" +
			"      --public-api https://cloud.example.com --public-dashboard https://dashboard.example.com   # behind nginx",
		Args:        cobra.NoArgs,
		Annotations: failure.Statuses(failure.Interrupted),
		RunE: func(c *cobra.Command, _ []string) error {
			o.variables.Set(c, func(name string, err error) { o.wrong = append(o.wrong, fmt.Errorf("%s: %w", name, err)) })
			if err := errors.Join(o.wrong...); err != nil {
				return failure.Failedf("%w", err)
			}
			return run(c.Context(), &o)
		},
	}
	o.dataFlag(c)
	f := c.Flags()
	f.StringVar(&o.APIListen, "api-listen", "127.0.0.1:8000", "listener of the API: `HOST:PORT`")
	f.StringVar(&o.AppsListen, "apps-listen", "127.0.0.1:8080", "listener of the apps: `HOST:PORT`")
	f.StringVar(&o.DashboardListen, "dashboard-listen", "127.0.0.1:3000", "listener of the dashboard: `HOST:PORT`")
	f.StringVar(&o.AppsDomain, "apps-domain", defaultDomain, "`DOMAIN` of the apps, each of which is at <project>.DOMAIN")
	f.StringVar(&o.PublicAPI, "public-api", "", "`URL` by which others reach the API, if another program is in front of its listener")
	f.StringVar(&o.PublicApps, "public-apps", "", "`URL` of the apps' domain, likewise; it sets --apps-domain too")
	f.StringVar(&o.PublicDashboard, "public-dashboard", "", "`URL` by which others reach the dashboard, likewise")
	f.StringVar(&o.SleepAfter, "sleep-after", "15m", "how long an app may be unused before it sleeps: `TIME` such as 1h, or never")
	f.StringVar(&o.PrivateListen, "private-listen", "", "`HOST:PORT` of /healthz, /readyz and /metrics (default: none)")
	f.StringVar(&o.TLSCert, "tls-cert", "", "PEM `FILE` with the certificate chain, for https")
	f.StringVar(&o.TLSKey, "tls-key", "", "PEM `FILE` with the certificate's private key")
	f.BoolVar(&o.WithoutTLS, "without-tls", false, "listen on other than loopback addresses without TLS: another program must encrypt")
	o.Log.Add(c)
	o.useVariables(c)
	return c
}

// public parses the URLs by which others reach the platform. That of the apps sets the domain.
func (o *Options) public() (p localcloud.Public, err error) {
	for _, u := range []struct {
		flag, text string
		url        **url.URL
	}{
		{"public-api", o.PublicAPI, &p.API}, {"public-apps", o.PublicApps, &p.Apps}, {"public-dashboard", o.PublicDashboard, &p.Dashboard},
	} {
		if u.text == "" {
			continue
		}
		if *u.url, err = parseBase(u.text); err != nil {
			return p, failure.Usagef("%s: %w", o.variables.Named(u.flag), err)
		}
	}
	if p.Apps == nil {
		return p, nil
	}
	if domain := p.Apps.Hostname(); o.AppsDomain == defaultDomain {
		o.AppsDomain = domain
	} else if o.AppsDomain != domain {
		return p, failure.Usagef("%s and %s name different domains: %s and %s",
			o.variables.Named("apps-domain"), o.variables.Named("public-apps"), o.AppsDomain, domain)
	}
	return p, nil
}

// parseBase parses the URL of a server: a scheme and a host, and maybe a port.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		return nil, fmt.Errorf("%q is not a URL such as https://example.com", text)
	}
	return u, nil
}

// defaultDomain is that of a platform for one machine: browsers resolve every name below it to that machine.
const defaultDomain = "localhost"

// check validates the flags, and returns the time after which unused apps sleep; 0 for never.
func (o *Options) check() (sleepAfter time.Duration, err error) {
	if sleepAfter, err = parseSleep(o.SleepAfter); err != nil {
		return 0, failure.Usagef("%s: %w", o.variables.Named("sleep-after"), err)
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return 0, failure.Usagef("pass both %s and %s", o.variables.Named("tls-cert"), o.variables.Named("tls-key"))
	}
	if err := checkDomain(o.AppsDomain); err != nil {
		return 0, failure.Usagef("%s: %w", o.variables.Named("apps-domain"), err)
	}
	for _, l := range []struct {
		flag, address string
		secure        bool
	}{
		{"api-listen", o.APIListen, o.TLSCert != ""}, {"apps-listen", o.AppsListen, o.TLSCert != ""},
		{"dashboard-listen", o.DashboardListen, o.TLSCert != ""}, {"private-listen", o.PrivateListen, false},
	} {
		if l.address == "" && l.flag == "private-listen" {
			continue
		}
		host, _, err := net.SplitHostPort(l.address)
		if err != nil {
			return 0, failure.Usagef("%s must be HOST:PORT: %w", o.variables.Named(l.flag), err)
		}
		if !isLoopback(host) && !l.secure && !o.WithoutTLS {
			return 0, failure.Usagef("%s=%s can be reached from other machines, without TLS", o.variables.Named(l.flag), l.address).
				WithHint("pass --tls-cert and --tls-key, or --without-tls if another program encrypts in front of the platform")
		}
	}
	return sleepAfter, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// never is the word for apps that do not sleep.
const never = "never"

func parseSleep(text string) (time.Duration, error) {
	if text == never {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second {
		return 0, fmt.Errorf("%q is neither a time of at least one second, such as 15m, nor never", text)
	}
	return d, nil
}

// checkDomain returns an error for what browsers would not take for the domain of a host.
func checkDomain(domain string) error {
	for label := range strings.SplitSeq(domain, ".") {
		if !platform.ValidProjectID(label) { // the same rules as for any label of a host name
			return fmt.Errorf("%q is not a domain name in lower case", domain)
		}
	}
	return nil
}

// certificate loads the files of TLS; nil without them.
func (o *Options) certificate() (*tls.Config, error) {
	if o.TLSCert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
	if err != nil {
		return nil, failure.Failedf("%s and %s: %w", o.variables.Named("tls-cert"), o.variables.Named("tls-key"), err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}, nil
}

// serve runs the platform until a signal ends it. It returns nil after SIGTERM, the orderly end.
func serve(ctx context.Context, o *Options) error {
	public, err := o.public()
	if err != nil {
		return err
	}
	sleepAfter, err := o.check()
	if err != nil {
		return err
	}
	data, err := o.dataFolder()
	if err != nil {
		return err
	}
	secure, err := o.certificate()
	if err != nil {
		return err
	}
	signals, stopSignals := o.Signals()
	defer stopSignals()
	p, err := localcloud.Serve(context.WithoutCancel(ctx), localcloud.ServeOptions{
		Data: data, API: o.APIListen, Apps: o.AppsListen, Dashboard: o.DashboardListen, Private: o.PrivateListen, Domain: o.AppsDomain, Public: public, TLS: secure,
		SleepAfter: sleepAfter, Environ: o.Environ(), Entry: flow.EntryKey, Version: o.Version, Now: o.Now, Random: o.Random,
		Log: o.Log.Logger(o.IO, o.Verbose()),
	})
	if err != nil {
		return Explain(err)
	}
	defer p.Close()
	at := p.Addresses()
	if at.LocalAPI != "" {
		defer o.register(at)()
	}
	if err := o.IO.Result(at, func(out *term.Stream) { greet(out, at, o.AppsDomain) }); err != nil {
		return err
	}
	return o.wait(ctx, p, signals)
}

// register lets the commands of this user on this machine find the platform, until the returned function is called.
func (o *Options) register(at localcloud.Addresses) (undo func()) {
	registration := settings.LocalPlatform{API: at.LocalAPI, Apps: at.Apps, Dashboard: at.Dashboard, OwnerKeyFile: at.OwnerKey}
	if err := o.Settings.Register(registration); err != nil {
		o.IO.Err.Warn("commands do not find this platform by themselves: %v", err)
	}
	return func() {
		// At the usual address it stays registered: commands then say that it is not running, and how to start it.
		if at.LocalAPI != "http://"+settings.DefaultPlatform {
			_ = o.Settings.Unregister(registration)
		}
	}
}

// wait serves until a signal or an error.
func (o *Options) wait(ctx context.Context, p *localcloud.Platform, signals <-chan os.Signal) error {
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Wait(waiting) }()
	select {
	case err := <-ended:
		return failure.Failedf("the platform cannot continue: %w", err)
	case s := <-signals:
		o.IO.Err.Note("the platform is stopping; apps go on running")
		if s == os.Interrupt {
			return failure.New(failure.Interrupted, "")
		}
		return nil
	}
}

// greet says where everything is and what to do next.
func greet(out *term.Stream, at localcloud.Addresses, domain string) {
	out.Printf("The platform is running. Its data is in %s\n", at.Data)
	out.Printf("  API        %s\n", at.API)
	out.Printf("  Dashboard  %s\n", at.Dashboard)
	out.Printf("  Apps       %s\n", strings.Replace(at.Apps, domain, "<project>."+domain, 1))
	out.Printf("\nDeploy an app in another terminal, in its folder:\n")
	out.Printf("  ploomber-cloud init\n  ploomber-cloud deploy --watch\n")
	out.Printf("\nCtrl-C stops the platform and leaves the apps running; 'ploomber-cloud platform stop --apps' stops them too.\n")
}

// Explain turns a problem of the platform into a failure.
func Explain(err error) error {
	var problem *platform.Problem
	if !errors.As(err, &problem) {
		return failure.Failedf("%w", err)
	}
	f := failure.Failedf("%w", err)
	if problem.Hint != "" {
		f = f.WithHint("%s", problem.Hint)
	}
	return f
}
