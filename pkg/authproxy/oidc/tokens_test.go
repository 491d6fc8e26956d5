package oidc_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

const audience = "https://api.example.com"

// When a session has to end: only an audience makes the access token's expiry count, and its own word comes first.
func TestExpiry(t *testing.T) {
	t.Parallel()
	jwt := func(f *oidctest.Provider, claims map[string]any) string {
		return oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "x", nil, claims)
	}
	for name, tc := range map[string]struct {
		audience string
		answer   func(f *oidctest.Provider) map[string]any
		in       time.Duration // zero: nothing is known
		ends     bool          // the session, then
	}{
		"JWT": {audience, func(f *oidctest.Provider) map[string]any {
			return map[string]any{"access_token": jwt(f, map[string]any{"exp": f.Now().Unix() + 6})}
		}, 6 * time.Second, true},
		"JWT without exp": {audience, func(f *oidctest.Provider) map[string]any {
			return map[string]any{"access_token": jwt(f, map[string]any{})}
		}, time.Hour, true},
		"JWT with a broken exp": {audience, func(f *oidctest.Provider) map[string]any {
			return map[string]any{"access_token": jwt(f, map[string]any{"exp": "soon"})}
		}, time.Hour, true},
		"opaque":             {audience, func(*oidctest.Provider) map[string]any { return nil }, time.Hour, true},
		"looks like a JWT":   {audience, func(*oidctest.Provider) map[string]any { return map[string]any{"access_token": "a.b.c"} }, time.Hour, true},
		"expires_in as text": {audience, func(*oidctest.Provider) map[string]any { return map[string]any{"expires_in": "60"} }, time.Minute, true},
		"nothing said":       {audience, func(*oidctest.Provider) map[string]any { return map[string]any{"expires_in": nil} }, 0, false},
		"negative":           {audience, func(*oidctest.Provider) map[string]any { return map[string]any{"expires_in": -1} }, 0, false},
		"no number":          {audience, func(*oidctest.Provider) map[string]any { return map[string]any{"expires_in": "NaN"} }, 0, false},
		"without end":        {audience, func(*oidctest.Provider) map[string]any { return map[string]any{"expires_in": 1e18} }, 0, false},
		"no audience":        {"", func(*oidctest.Provider) map[string]any { return nil }, time.Hour, false},
		"no audience, JWT, sooner": {"", func(f *oidctest.Provider) map[string]any {
			return map[string]any{"access_token": jwt(f, map[string]any{"exp": f.Now().Unix() + 6})}
		}, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, func(o *oidc.Options) { o.Audience = tc.audience })
			e.fake.Answer = tc.answer(e.fake)
			login, err := e.login(t)
			if err != nil {
				t.Fatal(err)
			}
			if tc.in == 0 {
				if !login.Tokens.Expires.IsZero() {
					t.Errorf("expires %v", login.Tokens.Expires)
				}
				tc.in = 1000 * time.Hour
			}
			e.clock.move(tc.in - time.Second)
			if e.Expired(login.Tokens) {
				t.Error("expired a second early")
			}
			e.clock.move(time.Second)
			if e.Expired(login.Tokens) != tc.ends {
				t.Errorf("expired: %v", !tc.ends)
			}
		})
	}
}

// withRefresh makes every answer bring the next refresh token.
func withRefresh(f *oidctest.Provider) func() {
	n := 1
	f.Answer = map[string]any{"refresh_token": "refresh-1"}
	return func() {
		f.Lock()
		defer f.Unlock()
		n++
		f.Answer = map[string]any{"refresh_token": "refresh-" + strconv.Itoa(n), "access_token": "access-" + strconv.Itoa(n)}
	}
}

// Many requests at once, and late ones with what the session was before, use a refresh token only once.
func TestRefreshSingleFlight(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	next := withRefresh(e.fake)
	login, err := e.login(t)
	if err != nil {
		t.Fatal(err)
	}
	next()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			got, err := e.Refresh(t.Context(), login.Tokens)
			if err != nil || got.AccessToken != "access-2" || got.RefreshToken != "refresh-2" || got.IDToken == "" {
				t.Errorf("error %v", err)
			}
		})
	}
	wg.Wait()
	next()
	e.clock.move(59 * time.Second)
	if got, err := e.Refresh(t.Context(), login.Tokens); err != nil || got.AccessToken != "access-2" {
		t.Errorf("a late request: %v", err)
	}
	if e.fake.Refresh["refresh-1"] != 1 {
		t.Errorf("the refresh token was used %d times", e.fake.Refresh["refresh-1"])
	}
	e.clock.move(time.Second)
	_, err = e.Refresh(t.Context(), login.Tokens)
	wantErr(t, err, oidc.ErrDenied)
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fake func(*oidctest.Provider)
		want error
	}{
		"kept refresh token":    {func(f *oidctest.Provider) { f.Answer["refresh_token"] = nil }, nil},
		"no new ID token":       {func(f *oidctest.Provider) { f.Answer["id_token"] = nil }, nil},
		"another user":          {claim("sub", "other"), oidc.ErrToken},
		"another nonce":         {claim("nonce", "other"), oidc.ErrToken},
		"another audience":      {claim("aud", "client-2"), oidc.ErrToken},
		"foreign key":           {func(f *oidctest.Provider) { f.Key = oidctest.OtherRSA() }, oidc.ErrToken},
		"control in a name":     {claim("name", "a\nb"), oidc.ErrIdentity},
		"no access token":       {func(f *oidctest.Provider) { f.Answer["access_token"] = nil }, oidc.ErrToken},
		"ended by the provider": {func(f *oidctest.Provider) { f.Refresh["refresh-1"] = 1 }, oidc.ErrDenied},
		"provider is ill": {func(f *oidctest.Provider) {
			f.Handle["/token"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
		}, oidc.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			withRefresh(e.fake)
			login, err := e.login(t)
			if err != nil {
				t.Fatal(err)
			}
			tc.fake(e.fake)
			got, err := e.Refresh(t.Context(), login.Tokens)
			wantErr(t, err, tc.want)
			if tc.want == nil && (got.RefreshToken != "refresh-1" || got.IDToken == "" || got.AccessToken != "opaque-token") {
				t.Error("tokens are missing")
			}
			if tc.want != nil && got != (oidc.Tokens{}) {
				t.Error("tokens together with an error")
			}
		})
	}
	t.Run("without a refresh token", func(t *testing.T) {
		t.Parallel()
		_, err := newEnv(t, nil).Refresh(t.Context(), oidc.Tokens{AccessToken: "a"})
		wantErr(t, err, oidc.ErrNoRefresh)
	})
}

// Class 11: access tokens of programs.
func TestClass11Bearer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header, claims map[string]any
		audience       string
		want           error
	}{
		"plain":                       {},
		"typed":                       {header: map[string]any{"typ": "at+jwt"}},
		"typed as media type":         {header: map[string]any{"typ": "application/at+jwt"}},
		"several audiences":           {claims: map[string]any{"aud": []string{"x", audience}}},
		"other audience":              {claims: map[string]any{"aud": oidctest.ClientID}, want: oidc.ErrToken},
		"audience missing":            {claims: map[string]any{"aud": nil}, want: oidc.ErrToken},
		"audience that begins alike":  {claims: map[string]any{"aud": audience + ".evil.com"}, want: oidc.ErrToken},
		"other issuer":                {claims: map[string]any{"iss": "https://evil.example.com"}, want: oidc.ErrToken},
		"ID token":                    {claims: map[string]any{"nonce": "n"}, want: oidc.ErrToken},
		"ID token, by its hash":       {claims: map[string]any{"at_hash": "n"}, want: oidc.ErrToken},
		"ID token, client's audience": {claims: map[string]any{"aud": oidctest.ClientID}, audience: oidctest.ClientID, want: oidc.ErrToken},
		"ID token, for both":          {header: map[string]any{"typ": "JWT"}, claims: map[string]any{"aud": []string{oidctest.ClientID, audience}, "azp": oidctest.ClientID}, want: oidc.ErrToken},
		"for both, with a scope":      {claims: map[string]any{"aud": []string{oidctest.ClientID, audience}, "scope": "openid"}},
		"client's audience":           {claims: map[string]any{"aud": oidctest.ClientID, "scp": "read"}, audience: oidctest.ClientID},
		"logout token":                {header: map[string]any{"typ": "logout+jwt"}, want: oidc.ErrToken},
		"type a number":               {header: map[string]any{"typ": 1}, want: oidc.ErrToken},
		"expired":                     {claims: map[string]any{"exp": 1}, want: oidc.ErrToken},
		"without expiry":              {claims: map[string]any{"exp": nil}, want: oidc.ErrToken},
		"without subject":             {claims: map[string]any{"sub": nil}, want: oidc.ErrIdentity},
		"two @":                       {claims: map[string]any{"email": "a@b@c"}, want: oidc.ErrIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			now := e.clock.now()
			claims := map[string]any{"iss": issuerURL, "aud": audience, "sub": "m@clients", "iat": now.Unix(), "exp": now.Unix() + 60}
			raw := oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", tc.header, oidctest.Merge(claims, tc.claims))
			if tc.audience == "" {
				tc.audience = audience
			}
			got, err := e.VerifyBearer(t.Context(), raw, tc.audience)
			wantErr(t, err, tc.want)
			if err == nil {
				if id := got.Identity(); id.Subject != "m@clients" || id.AccessToken != raw || id.IDToken != "" || got.Expires.Unix() != now.Unix()+60 {
					t.Errorf("identity %+v until %v", id, got.Expires)
				}
			}
		})
	}
	t.Run("no audience required", func(t *testing.T) {
		t.Parallel()
		if _, err := newEnv(t, nil).VerifyBearer(t.Context(), "x", ""); err == nil || errors.Is(err, oidc.ErrToken) {
			t.Errorf("error %v", err)
		}
	})
	for name, raw := range map[string]string{"empty": "", "opaque": "opaque", "five parts": "a.b.c.d.e", "JSON form": `{"payload":"e30"}`,
		"huge": strings.Repeat("a", 1<<17)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newEnv(t, nil).VerifyBearer(t.Context(), raw, audience)
			wantErr(t, err, oidc.ErrToken)
		})
	}
}

// Class 22: no log shows a token, a code or a secret, whatever happens.
func TestClass22Logs(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.net.Set("tenant.example.com", nil)
	_ = e.Ready(t.Context())
	e.net.Set("tenant.example.com", e.fake)
	e.clock.move(time.Minute)
	withRefresh(e.fake)
	login, err := e.login(t)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = e.Refresh(t.Context(), login.Tokens)
	e.logger.Info("login", "login", login, "tokens", login.Tokens)
	e.fake.Claims = map[string]any{"nonce": "x"}
	_, err = e.login(t)
	e.logger.Info("refused", "error", err)
	bearer, err := e.VerifyBearer(t.Context(), oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", nil, map[string]any{"iss": issuerURL,
		"aud": audience, "sub": "m", "iat": e.clock.now().Unix(), "exp": e.clock.now().Unix() + 60}), audience)
	if err != nil {
		t.Fatal(err)
	}
	_, tx := e.begin(t, e.Provider)
	options := oidc.Options{ClientSecret: oidctest.ClientSecret}
	for _, v := range []any{login, *login, login.Tokens, bearer, *bearer, tx, e.Provider, options, &options} {
		e.logger.Info("value", "value", v)
		e.logger.Info(fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v))
		slog.New(slog.NewJSONHandler(e.log, nil)).Info("value", "value", v)
	}
	said := e.log.String()
	for _, secret := range []string{oidctest.ClientSecret, "opaque-token", "refresh-1", "code-", login.Tokens.IDToken, cookieKey,
		bearer.Identity().AccessToken, hex.EncodeToString([]byte(oidctest.ClientSecret))} {
		if strings.Contains(said, secret) {
			t.Errorf("the log shows %q:\n%s", secret, said)
		}
	}
	for _, want := range []string{"provider not available", "provider found"} {
		if strings.Count(said, want) != 1 {
			t.Errorf("the log has not one %q:\n%s", want, said)
		}
	}
}
