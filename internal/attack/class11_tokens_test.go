package attack

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// hmacToken signs with what everybody may read, as an attacker would.
func hmacToken(key []byte, header, claims map[string]any) string {
	body := encode(header) + "." + encode(claims)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// publicKey is the provider's, as a file would have it.
func publicKey(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(oidctest.RSAKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// forged are ID tokens that must not be believed, by what is wrong with them.
func forged(t *testing.T) map[string]func(*provider) {
	public := publicKey(t)
	set := func(changes map[string]any) func(*provider) { return func(p *provider) { p.Claims = changes } }
	sign := func(f func(claims map[string]any) string) func(*provider) { return func(p *provider) { p.Sign = f } }
	now := time.Now().Unix()
	return map[string]func(*provider){
		"iss of another":         set(map[string]any{"iss": "https://evil.example"}),
		"iss with a slash":       func(p *provider) { p.Claims = map[string]any{"iss": p.url + "/"} },
		"iss longer":             func(p *provider) { p.Claims = map[string]any{"iss": p.url + ".evil.example"} },
		"no iss":                 set(map[string]any{"iss": nil}),
		"iss a list":             func(p *provider) { p.Claims = map[string]any{"iss": []string{p.url}} },
		"aud of another":         set(map[string]any{"aud": "client-2"}),
		"aud longer":             set(map[string]any{"aud": oidctest.ClientID + "0"}),
		"aud without us":         set(map[string]any{"aud": []string{"client-2", "client-3"}}),
		"no aud":                 set(map[string]any{"aud": nil}),
		"empty aud":              set(map[string]any{"aud": []string{}}),
		"aud an object":          set(map[string]any{"aud": map[string]any{oidctest.ClientID: 1}}),
		"several aud, no azp":    set(map[string]any{"aud": []string{oidctest.ClientID, "client-2"}}),
		"several aud, other azp": set(map[string]any{"aud": []string{oidctest.ClientID, "client-2"}, "azp": "client-2"}),
		"azp of another":         set(map[string]any{"azp": "client-2"}),
		"another nonce":          set(map[string]any{"nonce": strings.Repeat("A", 43)}),
		"no nonce":               set(map[string]any{"nonce": nil}),
		"empty nonce":            set(map[string]any{"nonce": ""}),
		"nonce a list":           set(map[string]any{"nonce": []string{"x"}}),
		"expired":                set(map[string]any{"exp": now - 3600}),
		"expired, as text":       set(map[string]any{"exp": "99999999999"}),
		"no exp":                 set(map[string]any{"exp": nil}),
		"exp negative":           set(map[string]any{"exp": -1}),
		"exp beyond all time":    set(map[string]any{"exp": 1e300}),
		"not yet":                set(map[string]any{"nbf": now + 3600}),
		"issued in the future":   set(map[string]any{"iat": now + 3600}),
		"no iat":                 set(map[string]any{"iat": nil}),
		"at_hash of another":     set(map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
		"a logout token":         set(map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}),
		"no sub":                 set(map[string]any{"sub": nil}),
		"sub a number":           set(map[string]any{"sub": 7}),
		"sub too long":           set(map[string]any{"sub": strings.Repeat("x", 300)}),
		"typ of an access token": func(p *provider) { p.Header = map[string]any{"typ": "at+jwt"} },
		"typ of a logout token":  func(p *provider) { p.Header = map[string]any{"typ": "logout+jwt"} },
		"crit":                   func(p *provider) { p.Header = map[string]any{"crit": []string{"exp"}, "exp": 1} },
		"crit, empty":            func(p *provider) { p.Header = map[string]any{"crit": []string{}} },
		"key in the header": func(p *provider) {
			p.Sign = func(c map[string]any) string {
				return oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "k1", map[string]any{"jku": p.url + "/evil", "jwk": jose.JSONWebKey{Key: oidctest.OtherRSA().Public()}}, c)
			}
		},
		"another key": sign(func(c map[string]any) string { return oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "k1", nil, c) }),
		"alg none":    sign(func(c map[string]any) string { return encode(map[string]any{"alg": "none"}) + "." + encode(c) + "." }),
		"alg None": sign(func(c map[string]any) string {
			return encode(map[string]any{"alg": "None", "kid": "k1"}) + "." + encode(c) + "."
		}),
		"no alg": sign(func(c map[string]any) string { return encode(map[string]any{"kid": "k1"}) + "." + encode(c) + "." }),
		"HS256 with the public key": sign(func(c map[string]any) string {
			return hmacToken(public, map[string]any{"alg": "HS256", "kid": "k1", "typ": "JWT"}, c)
		}),
		"HS256 with the client secret": sign(func(c map[string]any) string {
			return hmacToken([]byte(clientSecret), map[string]any{"alg": "HS256", "typ": "JWT"}, c)
		}),
		"RS256 that is HMAC": sign(func(c map[string]any) string {
			return hmacToken(public, map[string]any{"alg": "RS256", "kid": "k1"}, c)
		}),
		"signature cut off": func(p *provider) {
			p.Sign = func(c map[string]any) string {
				raw := oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", nil, c)
				return raw[:strings.LastIndex(raw, ".")+1]
			}
		},
		"claims exchanged": func(p *provider) {
			p.Sign = func(c map[string]any) string {
				parts := strings.Split(oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", nil, c), ".")
				c["email"] = "root@example.com"
				return parts[0] + "." + encode(c) + "." + parts[2]
			}
		},
		"as JSON, not compact": sign(func(c map[string]any) string {
			parts := strings.Split(oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", nil, c), ".")
			return `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
		}),
		"two parts":         sign(func(c map[string]any) string { return encode(map[string]any{"alg": "RS256"}) + "." + encode(c) }),
		"five parts":        sign(func(map[string]any) string { return "a.b.c.d.e" }),
		"no token":          func(p *provider) { p.Answer["id_token"] = nil },
		"token a number":    func(p *provider) { p.Answer["id_token"] = 7 },
		"token empty":       func(p *provider) { p.Answer["id_token"] = "" },
		"huge token":        func(p *provider) { p.Claims = map[string]any{"x": strings.Repeat("x", 100<<10)} },
		"claims no object":  sign(func(map[string]any) string { return signed(`[1]`) }),
		"claims null":       sign(func(map[string]any) string { return signed(`null`) }),
		"claims no JSON":    sign(func(map[string]any) string { return signed(`hello`) }),
		"claims cut":        sign(func(map[string]any) string { return signed(`{"iss":`) }),
		"token_type of MAC": func(p *provider) { p.Answer["token_type"] = "mac" },
	}
}

// signed is a genuine signature under anything.
func signed(payload string) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: oidctest.RSAKey(), KeyID: "k1"}}, nil)
	if err != nil {
		panic(err)
	}
	jws, err := signer.Sign([]byte(payload))
	if err != nil {
		panic(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return raw
}

// Security class 11: a token that is wrong in one point logs nobody in.
func TestClass11TokenChecks(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	p.loggedInThrough(idp) // it does work
	for name, change := range forged(t) {
		idp.Lock()
		change(idp)
		idp.Unlock()
		b, before := p.browser(), p.refusals()
		r := b.through(idp, "/deep")
		if name == "token_type of MAC" && r.StatusCode == http.StatusFound { // a kind that is only passed on
			idp.reset()
			continue
		}
		wantRefusedLogin(t, name, b, r, before)
		idp.reset()
	}
	p.loggedInThrough(idp) // and does so again
	if got := a.taken(); len(got) > 0 {
		t.Errorf("the app got %+v", got)
	}
}

// Names that a program and a person read differently, and claims that would break out of where they are shown.
func TestClass11TokenChecksIdentity(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, []string{"AUTH_ALLOWED_DOMAINS=example.com", "AUTH_ALLOWED_EMAILS=boss@corp.example"})
	p.loggedInThrough(idp)
	for name, claims := range map[string]map[string]any{
		"another domain":          {"email": "ann@evil.example"},
		"two @":                   {"email": "ann@evil.example@example.com"},
		"two @, ours first":       {"email": "ann@example.com@evil.example"},
		"subdomain":               {"email": "ann@sub.example.com"},
		"suffix":                  {"email": "ann@notexample.com"},
		"prefix":                  {"email": "ann@example.com.evil.example"},
		"trailing dot":            {"email": "ann@example.com."},
		"quoted":                  {"email": `"ann@example.com"@evil.example`},
		"comment":                 {"email": "ann@evil.example(@example.com)"},
		"angle":                   {"email": "<ann@evil.example>ann@example.com"},
		"list in one":             {"email": "x@evil.example,ann@example.com"},
		"space":                   {"email": "ann@evil.example @example.com"},
		"line":                    {"email": "ann@evil.example\nann@example.com"},
		"NUL":                     {"email": "ann@example.com\x00.evil.example"},
		"control":                 {"email": "ann@example.com\u0085"},
		"direction":               {"email": "ann@\u202eexample.com"},
		"zero width":              {"email": "ann@example\u200b.com"},
		"Cyrillic":                {"email": "ann@ex\u0430mple.com"},
		"full width":              {"email": "ann\uff20example.com"},
		"full width dot":          {"email": "ann@example\uff0ecom"},
		"Kelvin, not verified":    {"email": "boss@corp.example", "email_verified": false},
		"Kelvin":                  {"email": "\u212aate@example.com"},
		"full width name":         {"email": "\uff41dmin@example.com"},
		"Cyrillic name":           {"email": "\u0430dmin@example.com"},
		"dotless i":               {"email": "adm\u0131n@example.com"},
		"sub with a space":        {"sub": " user1"},
		"sub with spaces behind":  {"sub": "svc  "},
		"sub with half a letter":  {"sub": json.RawMessage(`"a\ud800"`)},
		"sub of a password":       {"sub": "password|ana"},
		"not verified":            {"email_verified": false},
		"not said to be verified": {"email_verified": nil},
		"verified, as a word":     {"email_verified": "yes"},
		"verified, as a number":   {"email_verified": 1},
		"no e-mail":               {"email": nil},
		"e-mail a list":           {"email": []string{"ann@example.com"}},
		"e-mail an object":        {"email": map[string]any{"x": "ann@example.com"}},
		"e-mail by other case":    {"email": nil, "Email": "ann@example.com", "EMAIL": "ann@example.com"},
		"e-mail elsewhere":        {"email": nil, "preferred_username": "ann@example.com", "upn": "ann@example.com", "name": "ann@example.com"},
		"domain elsewhere":        {"email": "ann@evil.example", "hd": "example.com", "domain": "example.com"},
		"long":                    {"email": strings.Repeat("a", 300) + "@example.com"},
		"sub with lines":          {"sub": "7\r\nX-Auth-Name: root@example.com"},
		"sub with ANSI":           {"sub": "\x1b[31m7"},
		"name with lines":         {"name": "Ann\r\nX-Auth-Name: root@example.com"},
		"name with ANSI":          {"name": "\x1b]0;x\x07"},
		"sid with NUL":            {"sid": "a\x00b"},
	} {
		idp.Lock()
		idp.Claims = claims
		idp.Unlock()
		b, before := p.browser(), p.refusals()
		wantRefusedLogin(t, name, b, b.through(idp, "/deep"), before)
		idp.reset()
	}
	for name, address := range map[string]string{"case of the domain": "ann@EXAMPLE.com", "case of the name": "Boss@corp.example", "plus": "ann+x@example.com", "apostrophe": "o'neil@example.com"} {
		idp.Lock()
		idp.Claims = map[string]any{"email": address}
		idp.Unlock()
		if r := p.browser().through(idp, "/"); r.StatusCode != http.StatusFound {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		idp.reset()
	}
	if n := strings.Count(p.log.String(), "X-Auth-Name"); n > 0 {
		t.Errorf("the log quotes %d claims", n)
	}
}

// A token of one kind is good for no other: not an ID token as bearer, nor the reverse.
func TestClass11TokenChecksBearer(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	const audience = "https://api.example.com"
	p := startWith(t, a.url, idp, []string{"AUTH_BEARER_AUDIENCE=" + audience})
	in := p.loggedInThrough(idp)
	wantApp(t, "session", in.get("/"))
	idToken := ""
	for _, got := range a.taken() {
		idToken = got.Header.Get("X-Id-Token")
	}
	if idToken == "" {
		t.Fatal("the app got no ID token")
	}
	now := time.Now().Unix()
	good := idp.AccessToken(audience, nil)
	wantApp(t, "a token of ours", p.bare().get("/", "Authorization: Bearer "+good))
	public := publicKey(t)
	claims := map[string]any{"iss": idp.url, "aud": audience, "sub": "x", "iat": now, "exp": now + 3600}
	for name, token := range map[string]string{
		"ID token":           idToken,
		"logout token":       idp.LogoutToken(map[string]any{"aud": audience, "sub": "x"}),
		"another audience":   idp.AccessToken("https://other.example.com", nil),
		"the client's":       idp.AccessToken(oidctest.ClientID, nil),
		"no audience":        idp.AccessToken("", map[string]any{"aud": nil}),
		"another issuer":     idp.AccessToken(audience, map[string]any{"iss": "https://evil.example"}),
		"expired":            idp.AccessToken(audience, map[string]any{"exp": now - 3600}),
		"no expiry":          idp.AccessToken(audience, map[string]any{"exp": nil}),
		"not yet":            idp.AccessToken(audience, map[string]any{"nbf": now + 3600}),
		"no subject":         idp.AccessToken(audience, map[string]any{"sub": nil}),
		"a subject in lines": idp.AccessToken(audience, map[string]any{"sub": "x\r\nX-Auth-Name: root"}),
		"none":               encode(map[string]any{"alg": "none", "typ": "at+jwt"}) + "." + encode(claims) + ".",
		"HS256":              hmacToken(public, map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": "k1"}, claims),
		"another key":        oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "k1", map[string]any{"typ": "at+jwt"}, claims),
		"ID token for both":  oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", map[string]any{"typ": "JWT"}, oidctest.Merge(maps.Clone(claims), map[string]any{"aud": []string{oidctest.ClientID, audience}, "azp": oidctest.ClientID, "email": email})),
		"a subject in space": idp.AccessToken(audience, map[string]any{"sub": "  svc "}),
		"a password's":       idp.AccessToken(audience, map[string]any{"sub": "password|ana"}),
		"opaque":             "canary-opaque-token-of-someone",
		"dots":               "..", "huge": strings.Repeat("x", 20<<10), "one character": "x",
		"session id": in.session(),
	} {
		r := p.bare().get("/", "Authorization: Bearer "+token)
		wantStatus(t, name, r, http.StatusUnauthorized)
		if upgrade := p.raw(p.upgrade("/ws", "Authorization: Bearer "+token)); upgrade.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: upgrade %d", name, upgrade.StatusCode)
		}
	}
	for name, header := range map[string][]string{
		"in the query": {}, "as cookie": {p.as(good)}, "as Basic": {asBasic("bearer", good)}, "twice": {"Authorization: Bearer " + good, "Authorization: Bearer " + good},
		"other scheme": {"Authorization: Token " + good}, "in X-Access-Token": {"X-Access-Token: " + good}, "in Proxy-Authorization": {"Proxy-Authorization: Bearer " + good},
	} {
		r := p.raw(p.head("GET", "/?access_token="+good, header...) + "\r\n")
		if r.StatusCode != http.StatusUnauthorized && r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	if got := a.taken(); len(got) != 1 {
		t.Errorf("the app got %d requests, want the good one", len(got))
	}
}

// A flood of tokens that name keys that nobody knows asks the provider for its keys a few times, not each time.
func TestClass11TokenChecksKeyFlood(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	const audience = "https://api.example.com"
	p := startWith(t, a.url, idp, []string{"AUTH_BEARER_AUDIENCE=" + audience})
	wantApp(t, "before", p.bare().get("/", "Authorization: Bearer "+idp.AccessToken(audience, nil)))
	before := idp.count("/keys")
	now := time.Now().Unix()
	b := p.bare()
	for i := range 200 {
		kid := strings.Repeat("k", i+2)
		token := oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, kid, map[string]any{"typ": "at+jwt"},
			map[string]any{"iss": idp.url, "aud": audience, "sub": "x", "iat": now, "exp": now + 3600})
		wantStatus(t, "unknown key", b.get("/", "Authorization: Bearer "+token), http.StatusUnauthorized)
	}
	if n := idp.count("/keys") - before; n > 20 {
		t.Errorf("%d fetches of the keys for 200 forged tokens", n)
	}
	wantApp(t, "meanwhile", p.bare().get("/", "Authorization: Bearer "+idp.AccessToken(audience, map[string]any{"sub": "machine|2"})))
}

// Keys rotate: the new one is found at once, and the old one is worth nothing when it has been withdrawn.
func TestClass11TokenChecksKeyRotation(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	p.loggedInThrough(idp)
	idp.Lock()
	idp.Key, idp.KeyID = oidctest.OtherRSA(), "k2"
	idp.Public = []jose.JSONWebKey{{Key: oidctest.OtherRSA().Public(), KeyID: "k2", Use: "sig", Algorithm: "RS256"}}
	idp.Unlock()
	p.loggedInThrough(idp)
	idp.Lock()
	idp.Key, idp.KeyID = oidctest.RSAKey(), "k1"
	idp.Unlock()
	b, before := p.browser(), p.refusals()
	wantRefusedLogin(t, "the old key", b, b.through(idp, "/"), before)
	_ = a
}

// Security class 25: clocks may differ by five minutes, and not by much more.
func TestClass25Clock(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	p := startWith(t, a.url, idp, nil)
	const slack = int64(20) // seconds that the test itself may take
	for name, tc := range map[string]struct {
		claim string
		shift int64 // seconds from now
		ok    bool
	}{
		"expired a little ago":    {"exp", -300 + slack, true},
		"expired longer ago":      {"exp", -300 - slack, false},
		"issued a little later":   {"iat", 300 - slack, true},
		"issued much later":       {"iat", 300 + slack, false},
		"valid in a little while": {"nbf", 300 - slack, true},
		"valid in a while":        {"nbf", 300 + slack, false},
	} {
		idp.Lock()
		idp.Claims = map[string]any{tc.claim: time.Now().Unix() + tc.shift}
		idp.Unlock()
		b := p.browser()
		if r := b.through(idp, "/"); (b.session() != "") != tc.ok {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		idp.reset()
	}
	// A session lasts as long as it should by the time that has passed here, though it is in use, whatever the clock of
	// the provider says about its token.
	short := startWith(t, a.url, idp, []string{"AUTH_SESSION_LIFETIME=20s"})
	b := short.loggedInThrough(idp)
	wantApp(t, "at first", b.get("/"))
	for deadline := time.Now().Add(startLimit); b.get("/").StatusCode == http.StatusOK; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the session does not end")
		}
	}
	wantStatus(t, "after its lifetime", b.get("/"), http.StatusUnauthorized)
}
