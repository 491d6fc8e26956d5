package scaffold_test

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ploomber/ploomber-cloud/internal/scaffold"
)

func TestNewSecret(t *testing.T) {
	t.Parallel()
	a, err := scaffold.NewSecret(rand.Reader)
	if err != nil || !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(a) {
		t.Errorf("%d characters, %v", len(a), err)
	}
	if b, _ := scaffold.NewSecret(rand.Reader); a == b {
		t.Error("two secrets are the same")
	}
	if _, err := scaffold.NewSecret(strings.NewReader("short")); err == nil {
		t.Error("a secret was made of too few bytes")
	}
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	for in, tc := range map[string]struct{ typed, given string }{ // "": refused
		"https://tenant.us.auth0.com":    {"https://tenant.us.auth0.com", "https://tenant.us.auth0.com"},
		"my.auth0.com/":                  {"https://my.auth0.com/", "https://my.auth0.com/"},
		"https://login.example.org/r/x":  {"https://login.example.org/r/x", "https://login.example.org/r/x"},
		" https://login.example.org ":    {"https://login.example.org", "https://login.example.org"},
		"http://127.0.0.1:9000":          {"http://127.0.0.1:9000", "http://127.0.0.1:9000"},
		"tenant.example.com":             {"", "https://tenant.example.com"},
		"idp.example.com:8443/realms/r":  {"", "https://idp.example.com:8443/realms/r"},
		"example.com/x.auth0.com":        {"", "https://example.com/x.auth0.com"},
		"http://tenant.auth0.com":        {},
		"ftp://x.auth0.com":              {},
		"https://":                       {},
		"":                               {},
		"no host":                        {},
		"a\nb":                           {},
		"user@tenant.auth0.com":          {},
		"https://user@tenant.auth0.com":  {},
		"https://tenant.auth0.com?a=b":   {},
		"http://localhost.evil.example/": {},
	} {
		for kind, f := range map[string]struct {
			complete func(string) (string, error)
			want     string
		}{"typed": {scaffold.TypedIssuer, tc.typed}, "given": {scaffold.IssuerURL, tc.given}} {
			if got, err := f.complete(in); got != f.want || (err == nil) != (f.want != "") {
				t.Errorf("%s %q becomes %q, %v; want %q", kind, in, got, err, f.want)
			}
		}
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	got := scaffold.Register("app-1", "", "https://bye.example")
	want := scaffold.Registration{
		Callbacks: []string{"https://app-1.ploomber.app/callback", "https://app-1.ploomberapp.io/callback"},
		Logouts:   []string{"https://app-1.ploomber.app/status", "https://app-1.ploomberapp.io/status", "https://bye.example"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := scaffold.Register("app-1", "https://own.example/", ""); got.Callbacks[0] != "https://own.example/callback" || len(got.Logouts) != 1 {
		t.Errorf("own domain: %+v", got)
	}
}

func TestCheckModel(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"facebook/opt-125m": true, "solo": true, "a/b/c": false, "../x": false, "a b": false, "a\"": false, "a/": false, "": false,
	} {
		if err := scaffold.CheckModel(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestVLLMFillsEverything(t *testing.T) {
	t.Parallel()
	for _, f := range scaffold.VLLM("org/model", "app-1") {
		if strings.Contains(string(f.Data), "{{") {
			t.Errorf("%s has a gap:\n%s", f.Name, f.Data)
		}
	}
}
