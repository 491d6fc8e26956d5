package authproxy_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Saying that an app is public takes no protection away that is there.
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
		want   error // nil: any
	}{
		"nothing":  {config.Config{}, nil, config.ErrUnprotected},
		"no place": {oidc, nil, nil}, // for the provider to send people back to
		"no clock": {mainApp(), func(o *authproxy.Options) { o.Now = nil }, nil},
		"no dice":  {mainApp(), func(o *authproxy.Options) { o.Random = nil }, nil},
		"suffix":   {mainApp(), func(o *authproxy.Options) { o.CookieSuffix = "a;b" }, nil},
		"upstream": {mainApp(), func(o *authproxy.Options) { o.Upstream = "nowhere" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			if tc.change != nil {
				tc.change(&o)
			}
			p, err := authproxy.New(tc.config, o)
			if err == nil || p != nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("New = %v, %v; want %v", p, err, tc.want)
			}
		})
	}
}
