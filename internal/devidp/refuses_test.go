package devidp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
)

const verifier = "a-verifier-that-is-long-enough-for-the-rules-of-pkce"

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func asked(p *devidp.Provider) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {p.ClientID()}, "redirect_uri": {callbackURL}, "scope": {"openid email"},
		"state": {"st"}, "nonce": {"no"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
}

func TestAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	b := newBrowser(t, p)
	for name, tc := range map[string]struct {
		change func(url.Values)
		back   string // the error with which the browser comes back; "" stays
	}{
		"no challenge":             {change: func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }, back: "invalid_request"},
		"a plain challenge":        {change: func(q url.Values) { q.Set("code_challenge_method", "plain") }, back: "invalid_request"},
		"no method":                {change: func(q url.Values) { q.Del("code_challenge_method") }, back: "invalid_request"},
		"no hash":                  {change: func(q url.Values) { q.Set("code_challenge", "short") }, back: "invalid_request"},
		"no openid":                {change: func(q url.Values) { q.Set("scope", "email") }, back: "invalid_scope"},
		"tokens in the address":    {change: func(q url.Values) { q.Set("response_type", "id_token token") }},
		"a form as answer":         {change: func(q url.Values) { q.Set("response_mode", "form_post") }, back: "invalid_request"},
		"a page that is not to be": {change: func(q url.Values) { q.Set("prompt", "none") }, back: "login_required"},
		"another redirect":         {change: func(q url.Values) { q.Set("redirect_uri", "https://evil.example.com/callback") }},
		"more of the redirect":     {change: func(q url.Values) { q.Set("redirect_uri", callbackURL+"/x") }},
		"a redirect with a query":  {change: func(q url.Values) { q.Set("redirect_uri", callbackURL+"?x=1") }},
		"another port":             {change: func(q url.Values) { q.Set("redirect_uri", "http://127.0.0.1:8081/callback") }},
		"another name of our own":  {change: func(q url.Values) { q.Set("redirect_uri", "http://localhost:8080/callback") }},
		"no redirect":              {change: func(q url.Values) { q.Del("redirect_uri") }},
		"another application":      {change: func(q url.Values) { q.Set("client_id", "other") }},
		"a long audience":          {change: func(q url.Values) { q.Set("audience", strings.Repeat("a", 2000)) }},
		"an audience of two lines": {change: func(q url.Values) { q.Set("audience", "a\nb") }},
	} {
		q := asked(p)
		tc.change(q)
		got := b.open(p.Issuer() + "/authorize?" + q.Encode())
		switch {
		case tc.back == "" && (got.left != nil || got.status != http.StatusBadRequest):
			t.Errorf("%s: %d %v", name, got.status, got.left)
		case tc.back != "" && (got.left == nil || got.left.Query().Get("error") != tc.back && !strings.Contains(got.left.Fragment, "error="+tc.back) || !strings.HasPrefix(got.left.String(), callbackURL)):
			t.Errorf("%s: %d %v %s, want %s", name, got.status, got.left, got.body, tc.back)
		}
	}
}

// redeem asks for tokens and returns the status and the answer.
func redeem(b *browser, p *devidp.Provider, form url.Values, id, secret string) (int, map[string]any) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, p.Issuer()+"/oauth/token", strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if id != "" {
			r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
		}
	}
	got := b.do(r, err)
	answer := map[string]any{}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		b.t.Errorf("%d %s: %v", got.status, got.body, err)
	}
	return got.status, answer
}

// code logs Ada in and returns the form that redeems her code.
func code(b *browser, p *devidp.Provider) url.Values {
	b.t.Helper()
	q := asked(p)
	q.Set("prompt", "login")
	back := b.pick(b.open(p.Issuer()+"/authorize?"+q.Encode()), "ada@example.com").left
	if back == nil || back.Query().Get("state") != "st" || back.Query().Get("code") == "" {
		b.t.Fatalf("came back with %v", back)
	}
	return url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callbackURL}, "code_verifier": {verifier}}
}

func TestTokenRefuses(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	p := start(t, clock)
	b := newBrowser(t, p)
	id, secret := p.ClientID(), p.ClientSecret()
	for name, tc := range map[string]struct {
		change     func(url.Values)
		id, secret string
		want       string // error; "" is success
	}{
		"all is well":      {id: id, secret: secret},
		"in the form":      {change: func(f url.Values) { f.Set("client_id", id); f.Set("client_secret", secret) }},
		"a wrong secret":   {id: id, secret: secret + "x", want: "invalid_client"},
		"no secret":        {id: id, want: "invalid_client"},
		"nobody":           {want: "invalid_client"},
		"a name alone":     {change: func(f url.Values) { f.Set("client_id", id) }, want: "invalid_client"},
		"another":          {id: "other", secret: secret, want: "invalid_client"},
		"no verifier":      {change: func(f url.Values) { f.Del("code_verifier") }, id: id, secret: secret, want: "invalid_request"},
		"a wrong verifier": {change: func(f url.Values) { f.Set("code_verifier", verifier+"x") }, id: id, secret: secret, want: "invalid_grant"},
		"the hash as it":   {change: func(f url.Values) { f.Set("code_verifier", challenge()) }, id: id, secret: secret, want: "invalid_grant"},
		"another redirect": {change: func(f url.Values) { f.Set("redirect_uri", statusURL) }, id: id, secret: secret, want: "invalid_grant"},
		"no code":          {change: func(f url.Values) { f.Del("code") }, id: id, secret: secret, want: "invalid_grant"},
		"another code":     {change: func(f url.Values) { f.Set("code", "x") }, id: id, secret: secret, want: "invalid_grant"},
		"another grant":    {change: func(f url.Values) { f.Set("grant_type", "client_credentials") }, id: id, secret: secret, want: "unsupported_grant_type"},
		"no grant":         {change: func(f url.Values) { f.Del("grant_type") }, id: id, secret: secret, want: "unsupported_grant_type"},
		"no refresh token": {change: func(f url.Values) { f.Set("grant_type", "refresh_token") }, id: id, secret: secret, want: "invalid_request"},
		"a signed assertion": {change: func(f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			f.Set("client_assertion", "x.y.z")
		}, want: "invalid_client"},
	} {
		form := code(b, p)
		if tc.change != nil {
			tc.change(form)
		}
		status, answer := redeem(b, p, form, tc.id, tc.secret)
		if got, _ := answer["error"].(string); got != tc.want || (status == http.StatusOK) != (tc.want == "") || (answer["access_token"] != nil) != (tc.want == "") {
			t.Errorf("%s: %d %v, want %q", name, status, answer["error"], tc.want)
		}
	}
	form := code(b, p)
	if status, _ := redeem(b, p, form, id, secret); status != http.StatusOK {
		t.Errorf("a new code: %d", status)
	}
	if status, answer := redeem(b, p, form, id, secret); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("a code is good twice: %d %v", status, answer["error"])
	}
	form = code(b, p)
	clock.move(2 * time.Minute)
	if _, answer := redeem(b, p, form, id, secret); answer["error"] != "invalid_grant" {
		t.Errorf("a code is good for ever: %v", answer["error"])
	}
}

// A page is good once, for a while, and for a form of our own.
func TestChoose(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	p := start(t, clock)
	b := newBrowser(t, p)
	address := p.Issuer() + "/authorize?" + asked(p).Encode()
	first := b.open(address)
	policy := first.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "form-action 'self' http://127.0.0.1:8080;", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %q", policy, part)
		}
	}
	for _, part := range []string{"no password", "ada@example.com", "grace.hopper@example.com", "Grace Hopper", "in admins, staff", "http://127.0.0.1:8080"} {
		if !strings.Contains(first.body, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if strings.Contains(first.body, "<script") || strings.Contains(first.body, "style=") {
		t.Error("the page has a script or a style of its own")
	}
	if got := b.pick(first, "ada@example.com"); got.left == nil {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := b.pick(first, "ada@example.com"); got.status != http.StatusGone || got.left != nil {
		t.Errorf("a page is good twice: %d %v", got.status, got.left)
	}

	fresh := newBrowser(t, p)
	late := fresh.open(address)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Issuer()+"/dev-login/choose", strings.NewReader(""))
	if err == nil {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	if got := fresh.do(r, err); got.status != http.StatusForbidden {
		t.Errorf("another site's form: %d", got.status)
	}
	clock.move(time.Hour)
	if got := fresh.pick(late, "ada@example.com"); got.status != http.StatusGone {
		t.Errorf("an old page: %d", got.status)
	}
}

// A session ends by time, and prompt and max_age ask again before.
func TestSession(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	p := start(t, clock)
	b := newBrowser(t, p)
	visit := func(name, value string) page {
		q := asked(p)
		if name != "" {
			q.Set(name, value)
		}
		return b.open(p.Issuer() + "/authorize?" + q.Encode())
	}
	done := b.pick(visit("", ""), "ada@example.com")
	if done.left == nil {
		t.Fatal(done.body)
	}
	cookie := done.header.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/dev-login/", "dev_login_"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q lacks %q", cookie, part)
		}
	}
	for _, tc := range []struct {
		name, value string
		asks        bool
	}{
		{"", "", false}, {"prompt", "none", false}, {"max_age", "60", false}, {"prompt", "login", true}, {"prompt", "select_account", true},
		{"max_age", "0", true},
	} {
		if got := visit(tc.name, tc.value); (got.left == nil) != tc.asks {
			t.Errorf("%s %s: %d %v", tc.name, tc.value, got.status, got.left)
		}
	}
	clock.move(2 * time.Minute)
	if got := visit("max_age", "60"); got.left != nil {
		t.Error("a login of two minutes ago is taken for one of the last")
	}
	clock.move(13 * time.Hour)
	if got := visit("", ""); got.left != nil {
		t.Error("a session lasts for ever")
	}
}

// What is not announced is not there, and other names of this machine are refused.
func TestNothingElse(t *testing.T) {
	t.Parallel()
	p := start(t, &clock{})
	b := newBrowser(t, p)
	for _, path := range []string{"/", "/oauth/introspect", "/revoke", "/device_authorization", "/authorize/callback?id=x", "/healthz", "/end_session", "/dev-login/", "/dev-login/layout.html"} {
		if got := b.open(p.Issuer() + path); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/dev-login/style.css", "/dev-login/icon.svg", "/.well-known/jwks.json"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Issuer()+path, http.NoBody)
		if got := b.do(r, err); got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", path, got.status)
		}
		if err == nil {
			r.Host = "rebound.example.com"
		}
		if got := b.do(r, err); got.status != http.StatusMisdirectedRequest {
			t.Errorf("%s under another name: %d", path, got.status)
		}
	}
	got := b.open(p.Issuer() + "/.well-known/openid-configuration").body
	for _, never := range []string{`"none"`, "implicit", "introspect", "id_token token", `"plain"`, "jwt-bearer"} {
		if strings.Contains(got, never) {
			t.Errorf("announces %s: %s", never, got)
		}
	}
}
