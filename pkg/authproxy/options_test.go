package authproxy_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Public removes no protection.
func TestPublicKeepsProtection(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Public = true
	wantCode(t, newEnvironment(t, c, nil).browser().get("/"), 401)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	o := authproxy.Options{Now: time.Now, Random: rand.Reader, BcryptCost: 4}
	oidc := config.Config{Secrets: []config.Secret{longSecret},
		Providers: []config.Provider{{Issuer: "https://t.example.com", ClientID: "id", ClientSecret: "cs"}}}
	for name, tc := range map[string]struct {
		config config.Config
		change func(*authproxy.Options)
		want   string // in the error
	}{
		"nothing protected": {config.Config{}, nil, config.ErrUnprotected.Error()},
		"no base URL":       {oidc, nil, config.EnvBaseURL + ": is missing"},
		"no clock":          {mainApp(), func(o *authproxy.Options) { o.Now = nil }, "lacks Now or Random"},
		"no randomness":     {mainApp(), func(o *authproxy.Options) { o.Random = nil }, "lacks Now or Random"},
		"cookie suffix":     {mainApp(), func(o *authproxy.Options) { o.CookieSuffix = "a;b" }, `cookie suffix "a;b"`},
		"former suffix":     {mainApp(), func(o *authproxy.Options) { o.FormerSuffix = "a;b" }, `cookie suffix "a;b"`},
		"upstream":          {mainApp(), func(o *authproxy.Options) { o.Upstream = "nowhere" }, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			if tc.change != nil {
				tc.change(&o)
			}
			p, err := authproxy.New(tc.config, o)
			if err == nil || p != nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New = %v, %v; want %q", p, err, tc.want)
			}
		})
	}
}
