package proxycmd

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
)

// Everything that is wrong is told at once, each with what the user knows it by.
func TestEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{".env": "AUTH_CLIENT_ID=i\nAUTH_ISSUER_BASE_URL=http://example.com\nAUTH_TYPO=x\nAUTH_SECRET=CANARY\n"})
	d.Vars = map[string]string{
		"PLOOMBER_PROXY_TLS_CERT": "no.crt", "PLOOMBER_PROXY_LISTEN": "8080", "PLOOMBER_PROXY_LOG_LEVEL": "loud", "PLOOMBER_PROXY_TYPO": "1",
	}
	o := options(t, d)
	c := New(*o, nil)
	err := cmdtest.Run(t.Context(), c, "--check", "--upstream=app:8501", "--private-listen=9090", "--session-store=redis", "--tls-key=no.key")
	said := d.Said(err)
	for _, name := range []string{
		"PLOOMBER_PROXY_TLS_CERT: ", "PLOOMBER_PROXY_LISTEN: ", "PLOOMBER_PROXY_LOG_LEVEL: ", "PLOOMBER_PROXY_TYPO: ",
		"--upstream: ", "--private-listen: ", "--session-store: ", "--tls-key: ",
		"AUTH_CLIENT_SECRET: ", "AUTH_ISSUER_BASE_URL: ", "AUTH_TYPO: ", "AUTH_SECRET: ",
	} {
		if !slices.ContainsFunc(strings.Split(said, "\n"), func(l string) bool { return strings.HasPrefix(l, "  - "+name) }) {
			t.Errorf("no line about %s", name)
		}
	}
	if failure.Code(err) != failure.Failed || strings.Contains(said, "CANARY") {
		t.Errorf("exit status %d, said\n%s", failure.Code(err), said)
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		env  string
		want int
	}{
		"right":                       {[]string{"--check"}, login, failure.Done},
		"wrong":                       {[]string{"--check"}, "", failure.Failed},
		"a wrong flag, when checking": {[]string{"--check", "--listen=x"}, login, failure.Failed},
		"a wrong flag":                {[]string{"--listen=x", "--upstream=http://a:1"}, login, failure.Usage},
		"no upstream":                 {nil, login, failure.Usage},
		"both":                        {[]string{"--listen=x", "--upstream=http://a:1"}, "", failure.Failed},
		"no login":                    {[]string{"--upstream=http://a:1"}, "", failure.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{".env": tc.env})
			o := options(t, d)
			err := cmdtest.Run(t.Context(), New(*o, nil), tc.args...)
			if failure.Code(err) != tc.want {
				t.Errorf("%d (%v), want %d", failure.Code(err), err, tc.want)
			}
		})
	}
}

// What is printed can be read back as an env file, and holds no secret.
func TestPrintConfig(t *testing.T) {
	t.Parallel()
	const secret = "CANARY-7Yw1Zt4uJq0XcVbN8mRsEd2Lf"
	files := map[string]string{".env": "username_api=bob\npassword_api=CANARY_api\nAUTH_CLIENT_ID=id\nAUTH_CLIENT_SECRET=CANARY_client\n" +
		"AUTH_ISSUER_BASE_URL=tenant.example.com\nAUTH_BASE_URL=https://app.example.com\nAUTH_SECRET=" + secret + "," + secret + "9\n"}
	args := []string{"--print-config", "--upstream=http://neighbour:8501", "--private-listen=127.0.0.1:9090"}
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		d := cmdtest.New(t, files)
		err := cmdtest.Run(t.Context(), New(*options(t, d), nil), args...)
		said := d.Said(err)
		for _, line := range []string{
			"# /api and below: password (user bob)", "PLOOMBER_PROXY_UPSTREAM=http://neighbour:8501", "PLOOMBER_PROXY_PRIVATE_LISTEN=127.0.0.1:9090",
			"username_api=bob", "password_api=***", "AUTH_CLIENT_ID=id", "AUTH_CLIENT_SECRET=***", "AUTH_SECRET=***,***",
			"AUTH_ISSUER_BASE_URL=https://tenant.example.com",
		} {
			if !slices.Contains(strings.Split(said, "\n"), line) {
				t.Errorf("no line %q", line)
			}
		}
		if err != nil || strings.Contains(said, "CANARY") {
			t.Error(said)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		t.Parallel()
		d := cmdtest.New(t, files)
		d.JSON()
		err := cmdtest.Run(t.Context(), New(*options(t, d), nil), args...)
		var got Printed
		if err := json.Unmarshal([]byte(d.Out()), &got); err != nil {
			t.Fatal(err)
		}
		if got.Proxy["PLOOMBER_PROXY_LISTEN"] != "127.0.0.1:8080" || got.Login["password_api"] != "***" || len(got.Protected) != 2 {
			t.Errorf("%+v", got)
		}
		if said := d.Said(err); err != nil || strings.Contains(said, "CANARY") {
			t.Error(said)
		}
	})
}
