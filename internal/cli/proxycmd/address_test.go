package proxycmd

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// The machine is 192.0.2.7, called me; see options.
func TestAddresses(t *testing.T) {
	t.Parallel()
	const app = "http://127.0.0.1:8501"
	for name, tc := range map[string]struct {
		listen, private, upstream string
		want                      string // "" where nothing is wrong
	}{
		"usual":                       {":8080", "", app, ""},
		"with a private listener":     {":8080", "127.0.0.1:9090", app, ""},
		"a free port each":            {":0", ":0", app, ""},
		"the app elsewhere":           {":8080", "", "http://neighbour:8080", ""},
		"the app at a name not yet":   {":8080", "", "http://later:8080", ""},
		"an app by https":             {":8080", "", "https://app.example.com", ""},
		"with a slash":                {":8080", "", app + "/", ""},
		"loopback beside another":     {"192.0.2.7:8080", "127.0.0.1:8080", app, ""},
		"the app beside the listener": {"192.0.2.7:8080", "", "http://127.0.0.1:8080", ""},
		"a bracketed address":         {"[::1]:8080", "", app, ""},

		"equal":                        {":8080", ":8080", app, "--private-listen: is the same address as --listen"},
		"all and one":                  {"0.0.0.0:8080", "127.0.0.1:8080", app, "--private-listen: is the same"},
		"one and all":                  {"127.0.0.1:8080", "0.0.0.0:8080", app, "--private-listen: is the same"},
		"all and a name":               {":8080", "localhost:8080", app, "--private-listen: is the same"},
		"a name and its address":       {"localhost:8080", "127.0.0.1:8080", app, "--private-listen: is the same"},
		"both kinds of all":            {"[::]:8080", "0.0.0.0:8080", app, "--private-listen: is the same"},
		"an address in another form":   {"127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", app, "--private-listen: is the same"},
		"a port with noughts in front": {":8080", ":08080", app, "--private-listen: is the same"},

		"the proxy itself":            {":8080", "", "http://127.0.0.1:8080", "--upstream: is the proxy itself: --listen listens there"},
		"by name":                     {":8080", "", "http://localhost:8080", "--upstream: is the proxy itself"},
		"by its own name":             {":8080", "", "http://me:8080", "--upstream: is the proxy itself"},
		"by its own address":          {"0.0.0.0:8080", "", "http://192.0.2.7:8080", "--upstream: is the proxy itself"},
		"one address":                 {"192.0.2.7:8080", "", "http://me:8080/", "--upstream: is the proxy itself"},
		"by the address of all":       {"127.0.0.1:8080", "", "http://0.0.0.0:8080", "--upstream: is the proxy itself"},
		"by IPv6":                     {":8080", "", "http://[::1]:8080", "--upstream: is the proxy itself"},
		"by IPv4 in IPv6":             {"127.0.0.1:8080", "", "http://[::ffff:7f00:1]:8080", "--upstream: is the proxy itself"},
		"by another loopback address": {":8080", "", "http://127.8.8.8:8080", "--upstream: is the proxy itself"},
		"the usual port":              {":80", "", "http://127.0.0.1", "--upstream: is the proxy itself"},
		"the usual port of https":     {":443", "", "https://localhost/", "--upstream: is the proxy itself"},
		"in other letters":            {":8080", "", "http://LOCALHOST:8080", "--upstream: is the proxy itself"},
		"a dot at the end":            {":8080", "", "http://localhost.:8080", "--upstream: is the proxy itself"},
		"its private side":            {":8080", "127.0.0.1:9090", "http://127.0.0.1:9090", "--upstream: is the proxy itself: --private-listen listens there"},

		"no port to listen at":   {"localhost", "", app, "--listen: must be HOST:PORT"},
		"a port too large":       {":65536", "", app, "--listen: must be HOST:PORT"},
		"a port below nothing":   {":-1", "", app, "--listen: must be HOST:PORT"},
		"a port with a sign":     {":+80", "", app, "--listen: must be HOST:PORT"},
		"a service":              {":http", "", app, "--listen: must be HOST:PORT"},
		"a URL":                  {"http://localhost:8080", "", app, "--listen: must be HOST:PORT"},
		"nothing":                {"", "", app, "--listen: must be HOST:PORT"},
		"a host with a space":    {"a b:80", "", app, "--listen: must be HOST:PORT"},
		"a private one likewise": {":8080", "9090", app, "--private-listen: must be HOST:PORT"},

		"no app":                  {":8080", "", "", "--upstream: is required"},
		"an app without http":     {":8080", "", "127.0.0.1:8501", "--upstream: must be http://HOST:PORT"},
		"an app by ftp":           {":8080", "", "ftp://a:1", "--upstream: must be"},
		"a path":                  {":8080", "", app + "/app", "--upstream: must be"},
		"a query":                 {":8080", "", app + "?a=b", "--upstream: must be"},
		"a password":              {":8080", "", "http://u:CANARY@a:1", "--upstream: must be"},
		"a password, no URL":      {":8080", "", "http://u:CANARY@[a:1", "--upstream: must be"},
		"no host":                 {":8080", "", "http://:8501", "--upstream: must be"},
		"port 0":                  {":8080", "", "http://a:0", "--upstream: has an invalid port"},
		"an app's port too large": {":8080", "", "http://a:65536", "--upstream: has an invalid port"},
		"no port after a colon":   {":8080", "", "http://127.0.0.1:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, cmdtest.New(t, nil))
			o.Listen, o.PrivateListen, o.Upstream = tc.listen, tc.private, tc.upstream
			var wrong mistakes
			o.checkAddresses(t.Context(), &wrong)
			said := (&config.Error{Mistakes: wrong}).Error()
			if tc.want == "" && len(wrong) > 0 || !strings.HasPrefix(said, tc.want) || len(wrong) > 1 || strings.Contains(said, "CANARY") {
				t.Errorf("%q, want %q", said, tc.want)
			}
		})
	}
}

// Where nothing is served no app has to be named.
func TestCheckingNeedsNoUpstream(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*Options){
		"--check": func(o *Options) { o.Check = true }, "--print-config": func(o *Options) { o.PrintConfig = true },
	} {
		o := options(t, cmdtest.New(t, nil))
		set(o)
		var wrong mistakes
		if o.checkAddresses(t.Context(), &wrong); len(wrong) > 0 {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

// Passwords that travel unencrypted between machines are warned of, also by --check; the default is this machine's own.
func TestWarnsOfPlainHTTP(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env  string
		args []string
		want bool
	}{
		"the default":          {env: login},
		"loopback, IPv6":       {env: login, args: []string{"--listen=[::1]:8080"}},
		"loopback by name":     {env: login, args: []string{"--listen=localhost:8080"}},
		"all":                  {env: login, args: []string{"--listen=:8080"}, want: true},
		"all of IPv4":          {env: login, args: []string{"--listen=0.0.0.0:8080"}, want: true},
		"all of IPv6":          {env: login, args: []string{"--listen=[::]:8080"}, want: true},
		"one address":          {env: login, args: []string{"--listen=192.0.2.7:8080"}, want: true},
		"one by name":          {env: login, args: []string{"--listen=me:8080"}, want: true},
		"TLS ends before":      {env: login + "AUTH_BASE_URL=https://app.example.com\n", args: []string{"--listen=:8080"}},
		"a plain base URL":     {env: login + "AUTH_BASE_URL=http://app.example.com\n", args: []string{"--listen=:8080"}, want: true},
		"nothing is protected": {args: []string{"--listen=:8080", "--public"}},
		"one feature is":       {env: "username_api=bob\npassword_api=second-password\n", args: []string{"--listen=:8080", "--public"}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{".env": tc.env})
			err := cmdtest.Run(t.Context(), New(*options(t, d), nil), append(tc.args, "--check")...)
			if said := d.Said(err); err != nil || strings.Contains(said, "plain http") != tc.want {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
}
