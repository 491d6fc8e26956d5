package platformcmd

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func options(lookup func(string) (string, bool)) Options {
	return Options{Lookup: lookup, Environ: func() []string { return nil }}
}

func none(string) (string, bool) { return "", false }

// standard are the flags of 'platform serve' if nothing is set.
func standard(edit func(*Flags)) Flags {
	f := Flags{
		APIListen: "127.0.0.1:8000", AppsListen: "127.0.0.1:8080", DashboardListen: "127.0.0.1:3000", AppsDomain: "localhost",
		SleepAfter: "15m", Log: flagset.DefaultLog(),
	}
	if edit != nil {
		edit(&f)
	}
	return f
}

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(options(none), func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"serve": {Args: []string{"serve"}, Want: standard(nil)},
		"serve, everything": {Args: []string{
			"serve", "--data", "d", "--api-listen", ":1", "--apps-listen", ":2", "--dashboard-listen", ":3", "--private-listen", ":4",
			"--apps-domain", "apps.example.com", "--sleep-after", "never", "--tls-cert", "c", "--tls-key", "k", "--without-tls", "--log-level", "warn",
		}, Want: standard(func(f *Flags) {
			f.Data, f.APIListen, f.AppsListen, f.DashboardListen, f.PrivateListen = "d", ":1", ":2", ":3", ":4"
			f.AppsDomain, f.SleepAfter, f.TLSCert, f.TLSKey, f.WithoutTLS, f.Log.Level = "apps.example.com", "never", "c", "k", true, "warn"
		})},
		"serve, an argument":    {Args: []string{"serve", "here"}, Code: failure.Failed},
		"stop":                  {Args: []string{"stop", "--apps", "--data", "d"}, Want: Flags{Apps: true, Data: "d"}},
		"a user":                {Args: []string{"user", "add", "ann", "--tier", "teams"}, Want: Flags{Name: "ann", Tier: "teams"}},
		"a user without a tier": {Args: []string{"user", "add", "ann"}, Want: Flags{Name: "ann"}},
		"no such tier":          {Args: []string{"user", "add", "ann", "--tier", "gold"}, Code: failure.Failed},
		"no name":               {Args: []string{"user", "add"}, Code: failure.Failed},
		"a tier":                {Args: []string{"user", "set-tier", "ann", "--tier", "pro"}, Want: Flags{Name: "ann", Tier: "pro"}},
		"a tier, short":         {Args: []string{"user", "set-tier", "ann", "pro"}, Want: Flags{Name: "ann", Tier: "pro"}},
		"no tier":               {Args: []string{"user", "set-tier", "ann"}, Code: failure.Usage},
		"an unknown tier":       {Args: []string{"user", "set-tier", "ann", "gold"}, Code: failure.Usage},
		"a key":                 {Args: []string{"user", "rotate-key", "ann"}, Want: Flags{Name: "ann"}},
		"print a unit":          {Args: []string{"install", "--print", "--data", "d"}, Want: Flags{Print: true, Data: "d"}},
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"PLOOMBER_PLATFORM_API_LISTEN": "127.0.0.1:1", "PLOOMBER_PLATFORM_SLEEP_AFTER": "1h", "PLOOMBER_PLATFORM_WITHOUT_TLS": "true", "PLOOMBER_PLATFORM_DATA": "/d"}
	var got Flags
	o := options(func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	c := New(o, func(_ context.Context, o *Options) error { got = o.Flags; return nil })
	c.SetArgs([]string{"serve", "--sleep-after", "2h"})
	if err := c.Execute(); err != nil {
		t.Fatal(err)
	}
	if want := standard(func(f *Flags) { f.APIListen, f.SleepAfter, f.WithoutTLS, f.Data = "127.0.0.1:1", "2h", true, "/d" }); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*Flags)
		want time.Duration
		says string // of the error; "" for none
	}{
		"standard":           {nil, 15 * time.Minute, ""},
		"never asleep":       {func(f *Flags) { f.SleepAfter = "never" }, 0, ""},
		"no time":            {func(f *Flags) { f.SleepAfter = "soon" }, 0, "--sleep-after"},
		"asleep at once":     {func(f *Flags) { f.SleepAfter = "0s" }, 0, "--sleep-after"},
		"a negative time":    {func(f *Flags) { f.SleepAfter = "-1h" }, 0, "--sleep-after"},
		"every address":      {func(f *Flags) { f.AppsListen = ":80" }, 0, "--apps-listen=:80 can be reached from other machines"},
		"one other address":  {func(f *Flags) { f.APIListen = "192.0.2.1:80" }, 0, "--api-listen"},
		"asked for":          {func(f *Flags) { f.AppsListen, f.WithoutTLS = ":80", true }, 15 * time.Minute, ""},
		"with TLS":           {func(f *Flags) { f.AppsListen, f.TLSCert, f.TLSKey = ":443", "c", "k" }, 15 * time.Minute, ""},
		"half of TLS":        {func(f *Flags) { f.TLSCert = "c" }, 0, "--tls-key"},
		"open metrics":       {func(f *Flags) { f.PrivateListen, f.TLSCert, f.TLSKey = ":9", "c", "k" }, 0, "--private-listen"},
		"IPv6":               {func(f *Flags) { f.APIListen = "[::1]:80" }, 15 * time.Minute, ""},
		"no port":            {func(f *Flags) { f.DashboardListen = "127.0.0.1" }, 0, "--dashboard-listen"},
		"a domain":           {func(f *Flags) { f.AppsDomain = "apps.example.com" }, 15 * time.Minute, ""},
		"a domain in caps":   {func(f *Flags) { f.AppsDomain = "Apps.example.com" }, 0, "--apps-domain"},
		"a domain with port": {func(f *Flags) { f.AppsDomain = "localhost:80" }, 0, "--apps-domain"},
		"no domain":          {func(f *Flags) { f.AppsDomain = "" }, 0, "--apps-domain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(none)
			o.Flags = standard(tc.edit)
			got, err := o.check()
			if tc.says == "" && (err != nil || got != tc.want) {
				t.Errorf("%v, %v; want %v", got, err, tc.want)
			}
			if tc.says != "" && (failure.Code(err) != failure.Usage || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("error %v, want a usage error about %s", err, tc.says)
			}
		})
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	run := func(root bool, program string, args ...string) (*cmdtest.Setup, error) {
		d := cmdtest.New(t, nil)
		o := options(d.Lookup)
		o.IO, o.Root, o.Program = d.IO, func() bool { return root }, func() (string, error) { return program, nil }
		o.Settings = &settings.Settings{Lookup: d.Lookup, Home: func() (string, error) { return home, nil }}
		c := New(o, nil)
		c.SetArgs(append([]string{"install", "--data", "/srv/my data"}, args...))
		return d, c.Execute()
	}
	d, err := run(true, "/usr/bin/ploomber-cloud", "--print")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(d.Out(), "\n")
	for _, want := range []string{
		`ExecStart="/usr/bin/ploomber-cloud" platform serve --data "/srv/my data"`, "KillMode=process", "Restart=on-failure", "Environment=HOME=%h", "WantedBy=multi-user.target",
		"EnvironmentFile=-/srv/my data/platform.env",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("the unit lacks %q:\n%s", want, d.Out())
		}
	}
	if _, err := run(false, `/bin/x"; rm -rf /; "`, "--print"); err == nil {
		t.Error("a path that would end the quotes is written")
	}
	if _, err := run(false, "/usr/bin/ploomber-cloud"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, ".config", "systemd", "user", "ploomber-cloud.service")
	written, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(written), "WantedBy=default.target") {
		t.Fatalf("%s, %v", written, err)
	}
	if d, err := run(false, "/usr/bin/ploomber-cloud"); err != nil || !strings.Contains(d.Out(), "up to date") {
		t.Errorf("a second time: %q, %v", d.Out(), err)
	}
	if _, err := run(false, "/usr/bin/other"); err == nil || !strings.Contains(failure.Hint(err), "--force") {
		t.Errorf("a unit that differs: %v", err)
	}
	if now, _ := os.ReadFile(path); string(now) != string(written) {
		t.Error("the unit that differs was replaced")
	}
	if _, err := run(false, "/usr/bin/other", "--force"); err != nil {
		t.Error(err)
	}
}
