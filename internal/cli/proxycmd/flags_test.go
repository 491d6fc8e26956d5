package proxycmd

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// parse returns the options that arguments and variables make.
func parse(t *testing.T, vars map[string]string, args ...string) (*Options, error) {
	t.Helper()
	d := cmdtest.New(t, nil)
	d.Vars = vars
	var got *Options
	c := New(*options(t, d), func(_ context.Context, o *Options) error { got = o; return nil })
	err := cmdtest.Run(t.Context(), c, args...)
	return got, err
}

// standard are the flags of a user who says nothing.
func standard() Flags {
	return Flags{Listen: "127.0.0.1:8080", SessionStore: "memory", Log: flagset.DefaultLog(), ShutdownTimeout: 8 * time.Second}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		vars map[string]string
		want func(*Flags)
		code int
	}{
		"nothing":                  {want: func(*Flags) {}},
		"a flag":                   {args: []string{"--upstream=http://a:1"}, want: func(f *Flags) { f.Upstream = "http://a:1" }},
		"its variable":             {vars: map[string]string{"PLOOMBER_PROXY_UPSTREAM": "http://b:1"}, want: func(f *Flags) { f.Upstream = "http://b:1" }},
		"the flag wins":            {args: []string{"--upstream=http://a:1"}, vars: map[string]string{"PLOOMBER_PROXY_UPSTREAM": "http://b:1"}, want: func(f *Flags) { f.Upstream = "http://a:1" }},
		"an empty flag wins":       {args: []string{"--private-listen="}, vars: map[string]string{"PLOOMBER_PROXY_PRIVATE_LISTEN": ":1"}, want: func(*Flags) {}},
		"an empty variable":        {vars: map[string]string{"PLOOMBER_PROXY_LISTEN": "", "PLOOMBER_PROXY_PUBLIC": ""}, want: func(*Flags) {}},
		"false":                    {vars: map[string]string{"PLOOMBER_PROXY_PUBLIC": "false"}, want: func(*Flags) {}},
		"no limit":                 {args: []string{"--shutdown-timeout=0s"}, want: func(f *Flags) { f.ShutdownTimeout = 0 }},
		"time back":                {args: []string{"--shutdown-timeout=-1s"}, code: failure.Usage},
		"time back, as a variable": {vars: map[string]string{"PLOOMBER_PROXY_SHUTDOWN_TIMEOUT": "-1s"}, code: failure.Usage},
		"no time":                  {args: []string{"--shutdown-timeout=soon"}, code: failure.Failed}, // the root makes it wrong usage
		"an unknown level":         {args: []string{"--log-level=loud"}, code: failure.Failed},
		"an unknown feature":       {args: []string{"--feature=main"}, code: failure.Failed},
		"an argument":              {args: []string{"http://a:1"}, code: failure.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t, tc.vars, tc.args...)
			if code := failure.Code(err); code != tc.code {
				t.Fatalf("code %d (%v), want %d", code, err, tc.code)
			}
			if err != nil {
				return
			}
			want := standard()
			tc.want(&want)
			if got.Flags != want || len(got.wrong) > 0 {
				t.Errorf("%+v, mistakes %v; want %+v", got.Flags, got.wrong, want)
			}
		})
	}
}

// Every flag has a variable that does the same, and its help names it.
func TestEveryFlagHasAVariable(t *testing.T) {
	t.Parallel()
	samples := map[string]string{ // what is not a bool
		"upstream": "http://a:1", "listen": ":1", "private-listen": ":2", "env-file": "x", "config": "y", "feature": "api",
		"session-store": "sqlite:z", "tls-cert": "c", "tls-key": "k", "log-level": "warn", "log-format": "json", "shutdown-timeout": "1m",
	}
	n := 0
	variable := func(flag string) string {
		return "PLOOMBER_PROXY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	}
	New(*options(t, cmdtest.New(t, nil)), nil).LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		n++
		value := samples[f.Name]
		if value == "" {
			value = "true"
		}
		byFlag, err := parse(t, nil, "--"+f.Name+"="+value)
		if err != nil {
			t.Fatal(err)
		}
		byVariable, err := parse(t, map[string]string{variable(f.Name): value})
		if err != nil {
			t.Fatal(err)
		}
		a, b := byFlag.Folder, byVariable.Folder
		if byFlag.Flags != byVariable.Flags || a.EnvFile != b.EnvFile || a.Config != b.Config || len(byVariable.wrong) > 0 {
			t.Errorf("%s: %+v, but %s: %+v, %v", f.Name, byFlag.Flags, variable(f.Name), byVariable.Flags, byVariable.wrong)
		}
		if byFlag.Flags == standard() && byFlag.Folder.EnvFile+byFlag.Folder.Config == "" {
			t.Errorf("%s changes nothing", f.Name)
		}
		if byFlag.named(f.Name) != "--"+f.Name || byVariable.named(f.Name) != variable(f.Name) {
			t.Errorf("%s is called %s and %s", f.Name, byFlag.named(f.Name), byVariable.named(f.Name))
		}
		if !strings.Contains(f.Usage, "["+variable(f.Name)+"]") {
			t.Errorf("the help of %s does not name its variable: %s", f.Name, f.Usage)
		}
	})
	if n != len(samples)+3 {
		t.Errorf("%d flags, %d samples", n, len(samples))
	}
}

func TestWrongVariables(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vars map[string]string
		want string
	}{
		"misspelt":         {map[string]string{"PLOOMBER_PROXY_UPSTREM": "http://a:1"}, "PLOOMBER_PROXY_UPSTREM: unknown variable; did you mean PLOOMBER_PROXY_UPSTREAM?"},
		"misspelt, empty":  {map[string]string{"PLOOMBER_PROXY_PRIVAT_LISTEN": ""}, "PLOOMBER_PROXY_PRIVAT_LISTEN: unknown variable; did you mean PLOOMBER_PROXY_PRIVATE_LISTEN?"},
		"far from all":     {map[string]string{"PLOOMBER_PROXY_ZZZZZZZZZZZZ": "1"}, "PLOOMBER_PROXY_ZZZZZZZZZZZZ: unknown variable; 'ploomber-cloud proxy --help'"},
		"no number":        {map[string]string{"PLOOMBER_PROXY_SHUTDOWN_TIMEOUT": "soon"}, "PLOOMBER_PROXY_SHUTDOWN_TIMEOUT: "},
		"no truth":         {map[string]string{"PLOOMBER_PROXY_PUBLIC": "maybe"}, "PLOOMBER_PROXY_PUBLIC: "},
		"none of a list":   {map[string]string{"PLOOMBER_PROXY_LOG_FORMAT": "xml"}, `PLOOMBER_PROXY_LOG_FORMAT: unknown value "xml"`},
		"ours in no way":   {map[string]string{"PLOOMBER_CLOUD_KEY": "x", "PLOOMBER_PROXYX": "x"}, ""},
		"the help is none": {map[string]string{"PLOOMBER_PROXY_HELP": "1"}, "PLOOMBER_PROXY_HELP: unknown variable"},
		"a Service of Kubernetes": {map[string]string{"PLOOMBER_PROXY_SERVICE_HOST": "10.96.0.7", "PLOOMBER_PROXY_SERVICE_PORT_HTTP": "8080",
			"PLOOMBER_PROXY_PORT": "tcp://10.96.0.7:8080", "PLOOMBER_PROXY_PORT_8080_TCP_ADDR": "10.96.0.7"}, ""},
		"misspelt beside it": {map[string]string{"PLOOMBER_PROXY_PORT": "tcp://10.96.0.7:8080", "PLOOMBER_PROXY_LISTN": ":1"},
			"PLOOMBER_PROXY_LISTN: unknown variable; did you mean PLOOMBER_PROXY_LISTEN?"},
		"a port that is not a Service's": {map[string]string{"PLOOMBER_PROXY_PORT": "8080"}, "PLOOMBER_PROXY_PORT: unknown variable"},
		"in the wrong case":              {map[string]string{"PLOOMBER_PROXY_listen": ":1"}, "PLOOMBER_PROXY_listen: unknown variable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := parse(t, tc.vars)
			if err != nil {
				t.Fatal(err)
			}
			said := (&config.Error{Mistakes: o.wrong}).Error()
			if tc.want == "" && len(o.wrong) > 0 || !strings.HasPrefix(said, tc.want) {
				t.Errorf("%q, want %q", said, tc.want)
			}
		})
	}
}
