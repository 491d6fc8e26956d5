package devidp_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// The proxy's own client believes what the provider says.
func TestLogin(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	c, b := client(t, p, nil), newBrowser(t, p)
	login := logIn(t, c, b, "ada@example.com")
	who := login.User
	if who.Email != "ada@example.com" || !who.EmailVerified || !strings.HasPrefix(who.Subject, "dev|") || who.SessionID == "" || login.ReturnTo != "/after" {
		t.Errorf("%+v", who)
	}
	if groups := who.Strings("groups"); !slices.Equal(groups, []string{"admins", "staff"}) {
		t.Errorf("groups %q", groups)
	}
	if name := who.Strings("name"); !slices.Equal(name, []string{"Ada"}) {
		t.Errorf("name %q", name)
	}
	if login.Tokens.RefreshToken != "" || strings.Count(login.Tokens.AccessToken, ".") == 2 {
		t.Error("there is a refresh token or a JWT that nobody asked for")
	}

	// A second app, or the same one again, needs no page; the session is the same.
	again := logIn(t, c, b, "")
	if again.User.Subject != who.Subject || again.User.SessionID != who.SessionID || again.Tokens.AccessToken == login.Tokens.AccessToken {
		t.Errorf("%+v", again.User)
	}
}

func TestAnybodyMayLogIn(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	c := client(t, p, nil)
	for typed, want := range map[string]string{
		"kurt@example.org":     "kurt@example.org",
		"  ADA@Example.com ":   "ada@example.com", // one of the users, however it is typed
		"zoë@example.com":      "zoë@example.com",
		"o'neil+x@example.com": "o'neil+x@example.com",
	} {
		if got := logIn(t, c, newBrowser(t, p), typed); got.User.Email != want {
			t.Errorf("%q logs in as %q, want %q", typed, got.User.Email, want)
		}
	}
	address, _, err := c.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, p)
	for _, typed := range []string{"", "ada", "a@b@c", "a b@example.com", `"><script>@example.com`, "a@example.com\r\nX: y", strings.Repeat("a", 300) + "@example.com"} {
		got := b.pick(b.open(address), typed)
		if got.status != http.StatusUnprocessableEntity || got.left != nil || !strings.Contains(got.body, "Enter an e-mail address") || strings.Contains(got.body, "<script") {
			t.Errorf("%q: %d %v %s", typed, got.status, got.left, got.body)
		}
	}
}

// The subject is the same at every start, and everything that is secret is not.
func TestStarts(t *testing.T) {
	t.Parallel()
	one, two := start(t, &clock{}), start(t, &clock{})
	a := logIn(t, client(t, one, nil), newBrowser(t, one), "ada@example.com")
	b := logIn(t, client(t, two, nil), newBrowser(t, two), "ada@example.com")
	if a.User.Subject != b.User.Subject {
		t.Errorf("subjects %q and %q", a.User.Subject, b.User.Subject)
	}
	if one.ClientSecret() == two.ClientSecret() || len(one.ClientSecret()) < 43 {
		t.Error("the secret is the same, or short")
	}
	if shown := fmt.Sprintf("%v %+v %#v", one, one, one); strings.Contains(shown, one.ClientSecret()) {
		t.Errorf("shows the secret: %s", shown)
	}
}

func TestAudience(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	c := client(t, p, func(o *oidc.Options) { o.Audience = "https://api.example.com" })
	login := logIn(t, c, newBrowser(t, p), "ada@example.com")
	bearer, err := c.VerifyBearer(t.Context(), login.Tokens.AccessToken, "https://api.example.com")
	if err != nil || bearer.User.Email != "ada@example.com" || bearer.User.Subject != login.User.Subject {
		t.Errorf("%v, %v", bearer, err)
	}
	if _, err := c.VerifyBearer(t.Context(), login.Tokens.AccessToken, "https://other.example.com"); err == nil {
		t.Error("the token is for everybody")
	}
	if _, err := c.VerifyBearer(t.Context(), login.Tokens.IDToken, "https://api.example.com"); err == nil {
		t.Error("the ID token is for the API too")
	}
	if left := time.Until(login.Tokens.Expires); left < 50*time.Minute || left > 70*time.Minute {
		t.Errorf("expires in %s", left)
	}
	if claims := payload(t, login.Tokens.AccessToken); claims["scope"] != "openid profile email" || claims["azp"] != p.ClientID() {
		t.Errorf("%v", claims)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	c := client(t, p, func(o *oidc.Options) { o.Scope, o.Audience = "openid email offline_access", "https://api.example.com" })
	login := logIn(t, c, newBrowser(t, p), "ada@example.com")
	renewed, err := c.Refresh(t.Context(), login.Tokens)
	if err != nil || renewed.RefreshToken == login.Tokens.RefreshToken || renewed.AccessToken == login.Tokens.AccessToken || renewed.IDToken == "" {
		t.Fatalf("%v, %v", renewed, err)
	}
	if claims := payload(t, renewed.AccessToken); fmt.Sprint(claims["aud"]) != "[https://api.example.com]" {
		t.Errorf("the renewed access token is for %v", claims["aud"])
	}
	other := client(t, p, nil) // knows nothing of the first exchange
	if _, err := other.Refresh(t.Context(), login.Tokens); !errors.Is(err, oidc.ErrDenied) {
		t.Errorf("a refresh token is good twice: %v", err)
	}
	if _, err := other.Refresh(t.Context(), renewed); err != nil {
		t.Error(err)
	}
}

func TestUserinfo(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	p := start(t, clock)
	b := newBrowser(t, p)
	login := logIn(t, client(t, p, func(o *oidc.Options) { o.Scope = "openid email" }), b, "ada@example.com")
	ask := func(token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Issuer()+"/userinfo", http.NoBody)
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		got := b.do(r, err)
		return got.status, got.body
	}
	if status, body := ask(login.Tokens.AccessToken); status != http.StatusOK || !strings.Contains(body, `"email":"ada@example.com"`) || strings.Contains(body, `"name"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask("x" + login.Tokens.AccessToken); status == http.StatusOK {
		t.Errorf("a changed token: %d", status)
	}
	clock.move(2 * time.Hour)
	if status, body := ask(login.Tokens.AccessToken); status == http.StatusOK {
		t.Errorf("an expired token: %s", body)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	c, b := client(t, p, func(o *oidc.Options) { o.Scope = "openid email offline_access" }), newBrowser(t, p)
	login := logIn(t, c, b, "ada@example.com")
	address, ok := c.LogoutURL(login.Tokens.IDToken, statusURL)
	if !ok {
		t.Fatal("no logout announced")
	}
	if got := b.open(address); got.left == nil || got.left.String() != statusURL {
		t.Fatalf("%d %v %s", got.status, got.left, got.body)
	}
	begin, _, err := c.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.open(begin); got.status != http.StatusOK || !strings.Contains(got.body, "Who are you") {
		t.Errorf("still logged in: %d %v", got.status, got.left)
	}
	if _, err := c.Refresh(t.Context(), login.Tokens); !errors.Is(err, oidc.ErrDenied) {
		t.Errorf("the refresh token outlives the logout: %v", err)
	}

	// By its ID token alone: the browser's cookie may be lost.
	second := logIn(t, c, b, "ada@example.com")
	address, _ = c.LogoutURL(second.Tokens.IDToken, statusURL)
	if got := newBrowser(t, p).open(address); got.left == nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := b.open(begin); got.status != http.StatusOK {
		t.Errorf("still logged in: %d %v", got.status, got.left)
	}
}

func TestLogoutRefuses(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	c, b := client(t, p, nil), newBrowser(t, p)
	logIn(t, c, b, "ada@example.com")
	for name, q := range map[string]url.Values{
		"another place":         {"client_id": {p.ClientID()}, "post_logout_redirect_uri": {"https://evil.example.com/"}},
		"more of a place":       {"client_id": {p.ClientID()}, "post_logout_redirect_uri": {statusURL + "/x"}},
		"a place of a login":    {"client_id": {p.ClientID()}, "post_logout_redirect_uri": {callbackURL}},
		"another application":   {"client_id": {"other"}, "post_logout_redirect_uri": {statusURL}},
		"an invalid token":      {"id_token_hint": {"x.y.z"}, "post_logout_redirect_uri": {statusURL}},
		"nobody's unsigned one": {"id_token_hint": {"eyJhbGciOiJub25lIn0.e30."}, "post_logout_redirect_uri": {statusURL}},
	} {
		if got := b.open(p.Issuer() + "/dev-login/logout?" + q.Encode()); got.status != http.StatusBadRequest || got.left != nil {
			t.Errorf("%s: %d %v %s", name, got.status, got.left, got.body)
		}
	}
	logIn(t, c, b, "") // nothing of that has ended the session
	if got := b.open(p.Issuer() + "/dev-login/logout?post_logout_redirect_uri=https://evil.example.com/"); got.status != http.StatusOK || !strings.Contains(got.body, "Logged out") {
		t.Errorf("without an application it goes somewhere: %d %v", got.status, got.left)
	}
}

func TestListensHereOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "localhost:0", "127.0.0.1", "example.com:80", "169.254.1.1:0"} {
		p, err := devidp.Start(t.Context(), devidp.Options{Address: address, Users: users(t, "a@example.com"), Now: time.Now, Random: rand.Reader})
		if !errors.Is(err, devidp.ErrNotLoopback) {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			_ = p.Close()
		}
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	one := users(t, "a@example.com")
	for name, o := range map[string]devidp.Options{
		"no users":        {Now: time.Now, Random: rand.Reader},
		"no clock":        {Users: one, Random: rand.Reader},
		"no randomness":   {Users: one, Now: time.Now},
		"dry randomness":  {Users: one, Now: time.Now, Random: io.LimitReader(rand.Reader, 20)},
		"a port in use":   {Users: one, Now: time.Now, Random: rand.Reader, Address: strings.TrimPrefix(start(t, &clock{}).Issuer(), "http://")},
		"nothing at all":  {},
		"a port too high": {Users: one, Now: time.Now, Random: rand.Reader, Address: "127.0.0.1:70000"},
	} {
		if p, err := devidp.Start(t.Context(), o); err == nil {
			_ = p.Close()
			t.Errorf("%s: it starts", name)
		}
	}
}

func TestParseUser(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]devidp.User{
		"ada@example.com":                    {Email: "ada@example.com"},
		" ada@example.com , admins,,staff ,": {Email: "ada@example.com", Groups: []string{"admins", "staff"}},
		"ada@example.com,a,a":                {Email: "ada@example.com", Groups: []string{"a"}},
		"ada":                                {},
		"":                                   {},
		",admins":                            {},
		"ada@example.com,a\nb":               {},
		"a@b,c@d":                            {Email: "a@b", Groups: []string{"c@d"}},
	} {
		u, err := devidp.ParseUser(text)
		if (err != nil) != (want.Email == "") || u.Email != want.Email || !slices.Equal(u.Groups, want.Groups) {
			t.Errorf("%q: %+v, %v; want %+v", text, u, err, want)
		}
	}
}

// What ParseUser accepts can log in: every later step of a login reads it as the same address.
func FuzzParseUser(f *testing.F) {
	for _, text := range []string{"ada@example.com", "ada@example.com,admins,staff", " a@b , c ", "a@b@c", "\x00@b", "zoë@example.com,é", ",", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := devidp.ParseUser(text)
		if err != nil {
			if u.Email != "" || strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("%+v, %q", u, err)
			}
			return
		}
		if strings.Count(u.Email, "@") != 1 || strings.ContainsAny(u.Email, " \"\\<>()[],;:\r\n\t\x00") || len(u.Email) > 254 {
			t.Errorf("e-mail %q", u.Email)
		}
		again, err := devidp.ParseUser(strings.Join(append([]string{u.Email}, u.Groups...), ","))
		if err != nil || again.Email != u.Email || !slices.Equal(again.Groups, u.Groups) {
			t.Errorf("%q is read as %+v, and that as %+v, %v", text, u, again, err)
		}
	})
}

// A log tells who came and what was refused, and nothing that gives access.
func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	var log output.Buffer
	p, err := devidp.Start(t.Context(), devidp.Options{
		Users: users(t, "ada@example.com"), Now: time.Now, Random: rand.Reader,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	p.Register([]string{callbackURL}, []string{statusURL})
	c, b := client(t, p, func(o *oidc.Options) { o.Scope, o.Audience = "openid email offline_access", "api" }), newBrowser(t, p)
	login := logIn(t, c, b, "ada@example.com")
	renewed, err := c.Refresh(t.Context(), login.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	form := code(b, p)
	redeem(b, p, form, p.ClientID(), "wrong-secret")
	redeem(b, p, form, p.ClientID(), p.ClientSecret()) // the code is spoilt
	address, _ := c.LogoutURL(renewed.IDToken, statusURL)
	b.open(address)
	b.open(p.Issuer() + "/dev-login/logout?id_token_hint=" + login.Tokens.IDToken + "x")
	said := log.String()
	for _, want := range []string{"dev login", "ada@example.com", "invalid_client", "dev logout", "refuses a logout"} {
		if !strings.Contains(said, want) {
			t.Errorf("lacks %q: %s", want, said)
		}
	}
	for name, secret := range map[string]string{
		"the client's secret": p.ClientSecret(), "a wrong one": "wrong-secret", "a code": form.Get("code"), "a verifier": verifier,
		"an access token": login.Tokens.AccessToken, "an ID token": login.Tokens.IDToken, "a refresh token": login.Tokens.RefreshToken,
		"a new one": renewed.RefreshToken,
	} {
		if secret == "" || strings.Contains(said, secret) {
			t.Errorf("holds %s: %s", name, said)
		}
	}
}
