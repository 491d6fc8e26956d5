package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// Two apps with one registration at a provider: each login leads back to its own app, whatever address the project had
// before, and is good there only. The provider is asked for its configuration once.
func TestProviderLogin(t *testing.T) {
	t.Parallel()
	const issuer = "https://tenant.example.com"
	provider, network := oidctest.New(issuer, time.Now), oidctest.NewNetwork()
	network.Set("tenant.example.com", provider)
	g := newRig(t, func(o *Options) { o.ProviderTransport = network })
	apps := map[string]*version{}
	for _, id := range []string{"one", "two"} {
		apps[id] = newVersion(t, id)
		r := running(apps[id].backend(1))
		r.Login = &config.Config{
			BaseURL: &url.URL{Scheme: "https", Host: "former.example.com", Path: "/below"}, StripBasePath: true,
			Secrets:   []config.Secret{"0af4c1d29be78356aa01fe62b93c47d8"},
			Providers: []config.Provider{{Issuer: issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret}},
		}
		g.set(id, r)
	}
	visit := func(b *browser, address string) reply {
		t.Helper()
		return b.must("GET", address, "", navigate())
	}
	// begin returns the browser with a login in progress at an app, and the query of the provider's callback.
	begin := func(id string) (b *browser, callback string) {
		t.Helper()
		b = g.browser()
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		to := visit(b, g.urlOf(id).String()+"/report?x=1").Header.Get("Location")
		if back, _ := url.Parse(to); back.Query().Get("redirect_uri") != g.urlOf(id).String()+"/callback" {
			t.Fatalf("the login at %s leads to %s", id, to)
		}
		return b, "/callback?" + provider.Authorize(t, to).Encode()
	}

	b, callback := begin("one")
	if answer := visit(b, g.urlOf("one").String()+callback); answer.Header.Get("Location") != "/report?x=1" {
		t.Fatalf("callback: %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if answer := visit(b, g.urlOf("one").String()+"/report?x=1"); answer.body != "one" {
		t.Errorf("after the login: %d %s", answer.StatusCode, answer.body)
	}
	if seen := apps["one"].requests(); len(seen) != 1 || seen[0].Header.Get("X-Auth-Name") == "" {
		t.Errorf("the app got %v", seen)
	}

	b, callback = begin("one")
	b.Jar.SetCookies(g.urlOf("two"), b.Jar.Cookies(g.urlOf("one")))
	answer := visit(b, g.urlOf("two").String()+callback)
	for _, line := range answer.Header.Values("Set-Cookie") {
		if strings.Contains(line, "session=") && !strings.Contains(line, "Max-Age=0") {
			t.Errorf("a login of one app ends at another: %d, %s", answer.StatusCode, line)
		}
	}
	if answer := visit(b, g.urlOf("two").String()+"/"); answer.StatusCode != http.StatusFound || len(apps["two"].requests()) > 0 {
		t.Errorf("the other app: %d %s", answer.StatusCode, answer.body)
	}
	if n := network.Count("tenant.example.com/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the provider was asked for its configuration %d times", n)
	}
}
