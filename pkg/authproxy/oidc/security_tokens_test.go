package oidc_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// hs256 signs with whatever secret, in ways that a library refuses to.
func hs256(header, claims map[string]any, secret []byte) string {
	body := oidctest.Part(header) + "." + oidctest.Part(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func claim(name string, value any) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) { f.Claims = map[string]any{name: value} }
}

// ago and in are times in a token.
func at(name string, d time.Duration) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) { f.Claims = map[string]any{name: f.Now().Add(d).Unix()} }
}

// Class 11: tokens of a provider that misbehaves in the ID token.
func TestClass11IDTokens(t *testing.T) {
	t.Parallel()
	public := must(x509.MarshalPKIXPublicKey(oidctest.RSAKey().Public()))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	for name, tc := range map[string]struct {
		fake func(*oidctest.Provider)
		want error
	}{
		"alg none": {func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string {
				return oidctest.Part(map[string]any{"alg": "none"}) + "." + oidctest.Part(c) + "."
			}
		}, oidc.ErrToken},
		"alg nOnE with a signature": {func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string {
				return oidctest.Part(map[string]any{"alg": "nOnE", "kid": "k1"}) + "." + oidctest.Part(c) + ".AAAA"
			}
		}, oidc.ErrToken},
		"HS256 with the public key": {func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string { return hs256(map[string]any{"alg": "HS256", "kid": "k1"}, c, publicPEM) }
		}, oidc.ErrToken},
		"HS256 with the modulus": {func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string {
				return hs256(map[string]any{"alg": "HS256"}, c, oidctest.RSAKey().N.Bytes())
			}
		}, oidc.ErrToken},
		"HS256 with the client secret": {func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string {
				return hs256(map[string]any{"alg": "HS256"}, c, []byte(oidctest.ClientSecret))
			}
		}, oidc.ErrToken},
		"HS256 with a key in the set": {func(f *oidctest.Provider) {
			f.Public = append(f.Public, jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "sym"})
			f.Sign = func(c map[string]any) string {
				return hs256(map[string]any{"alg": "HS256", "kid": "sym"}, c, []byte("0123456789abcdef0123456789abcdef"))
			}
		}, oidc.ErrToken},
		"key in the header": {func(f *oidctest.Provider) {
			f.Key, f.Header = oidctest.OtherRSA(), map[string]any{"jwk": jose.JSONWebKey{Key: oidctest.OtherRSA().Public()}}
		}, oidc.ErrToken},
		"algorithm that is not announced": {func(f *oidctest.Provider) { f.Alg = jose.PS256 }, oidc.ErrToken},
		"key of another kind":             {func(f *oidctest.Provider) { f.Key, f.Alg = oidctest.ECKey(), jose.ES256 }, oidc.ErrToken},
		"key for encryption":              {func(f *oidctest.Provider) { f.Public[0].Use = "enc" }, oidc.ErrUnavailable},
		"key for other operations": {func(f *oidctest.Provider) {
			set, err := json.Marshal(f.Public[0])
			if err != nil {
				t.Fatal(err)
			}
			f.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"keys":[{"key_ops":["encrypt","wrapKey"],%s]}`, set[1:])
			}
		}, oidc.ErrUnavailable},
		"keys twice": {func(f *oidctest.Provider) {
			set, err := json.Marshal(f.Public)
			if err != nil {
				t.Fatal(err)
			}
			f.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"keys":[],"keys":%s}`, set) }
		}, oidc.ErrUnavailable},
		"keys by another name": {func(f *oidctest.Provider) {
			f.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(w, 200, map[string]any{"KEYS": f.Public})
			}
		}, oidc.ErrUnavailable},
		"nothing is critical": {func(f *oidctest.Provider) { f.Header = map[string]any{"crit": []string{}} }, oidc.ErrToken},
		"short RSA key": {func(f *oidctest.Provider) {
			f.Key, f.Public = oidctest.WeakRSA(), []jose.JSONWebKey{{Key: oidctest.WeakRSA().Public(), KeyID: "k1"}}
		}, oidc.ErrUnavailable},
		"foreign key, known id": {func(f *oidctest.Provider) { f.Key = oidctest.OtherRSA() }, oidc.ErrToken},
		"changed content": {func(f *oidctest.Provider) {
			f.Sign = func(c map[string]any) string {
				parts := strings.Split(oidctest.SignJWT(f.Key, f.Alg, f.KeyID, nil, c), ".")
				c["sub"] = "admin"
				return parts[0] + "." + oidctest.Part(c) + "." + parts[2]
			}
		}, oidc.ErrToken},
		"no token":            {func(f *oidctest.Provider) { f.Answer = map[string]any{"id_token": nil} }, oidc.ErrToken},
		"garbage":             {func(f *oidctest.Provider) { f.Answer = map[string]any{"id_token": "a.b.c"} }, oidc.ErrToken},
		"huge":                {func(f *oidctest.Provider) { f.Answer = map[string]any{"id_token": strings.Repeat("a", 70<<10)} }, oidc.ErrToken},
		"not an object":       {func(f *oidctest.Provider) { f.Answer = map[string]any{"id_token": signRaw("[]")} }, oidc.ErrToken},
		"null":                {func(f *oidctest.Provider) { f.Answer = map[string]any{"id_token": signRaw("null")} }, oidc.ErrToken},
		"logout token":        {func(f *oidctest.Provider) { f.Header = map[string]any{"typ": "logout+jwt"} }, oidc.ErrToken},
		"access token's type": {func(f *oidctest.Provider) { f.Header = map[string]any{"typ": "at+jwt"} }, oidc.ErrToken},
		"events":              {claim("events", map[string]any{}), oidc.ErrToken},

		"iss of another":          {claim("iss", "https://evil.example.com"), oidc.ErrToken},
		"iss with another slash":  {claim("iss", issuerURL+"/"), oidc.ErrToken},
		"iss missing":             {claim("iss", nil), oidc.ErrToken},
		"iss as a list":           {claim("iss", []string{issuerURL}), oidc.ErrToken},
		"iss in another case":     {func(f *oidctest.Provider) { f.Claims = map[string]any{"iss": nil, "ISS": issuerURL} }, oidc.ErrToken},
		"aud of another":          {claim("aud", "client-2"), oidc.ErrToken},
		"aud missing":             {claim("aud", nil), oidc.ErrToken},
		"aud a number":            {claim("aud", 1), oidc.ErrToken},
		"aud with null":           {claim("aud", []any{oidctest.ClientID, nil}), oidc.ErrToken},
		"several aud without azp": {claim("aud", []string{oidctest.ClientID, "x"}), oidc.ErrToken},
		"azp of another":          {claim("azp", "client-2"), oidc.ErrToken},
		"azp empty":               {claim("azp", ""), oidc.ErrToken},
		"nonce of another":        {claim("nonce", strings.Repeat("A", 43)), oidc.ErrToken},
		"nonce missing":           {claim("nonce", nil), oidc.ErrToken},
		"nonce as a list":         {claim("nonce", []string{"x"}), oidc.ErrToken},
		"expired":                 {at("exp", -5*time.Minute), oidc.ErrToken},
		"exp missing":             {claim("exp", nil), oidc.ErrToken},
		"exp as text":             {claim("exp", "9999999999"), oidc.ErrToken},
		"exp without end":         {claim("exp", json.Number("1e300")), oidc.ErrToken},
		"iat missing":             {claim("iat", nil), oidc.ErrToken},
		"iat in the future":       {at("iat", 6*time.Minute), oidc.ErrToken},
		"not yet valid":           {at("nbf", 6*time.Minute), oidc.ErrToken},
		"at_hash of another":      {claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), oidc.ErrToken},
		"sub missing":             {claim("sub", nil), oidc.ErrIdentity},
		"sub empty":               {claim("sub", ""), oidc.ErrIdentity},
		"sub a number":            {claim("sub", 7), oidc.ErrIdentity},
		"sub too long":            {claim("sub", strings.Repeat("s", 256)), oidc.ErrIdentity},
		"sub with a line break":   {claim("sub", "a\r\nX-Auth-Name: admin"), oidc.ErrIdentity},

		"e-mail as a list":       {claim("email", []string{"ann@example.com"}), oidc.ErrIdentity},
		"e-mail an object":       {claim("email", map[string]any{"a": 1}), oidc.ErrIdentity},
		"two @":                  {claim("email", "attacker@evil.com@example.com"), oidc.ErrIdentity},
		"two @ with quotes":      {claim("email", `"attacker@evil.com"@example.com`), oidc.ErrIdentity},
		"no @":                   {claim("email", "ann"), oidc.ErrIdentity},
		"nothing before @":       {claim("email", "@example.com"), oidc.ErrIdentity},
		"nothing after @":        {claim("email", "ann@"), oidc.ErrIdentity},
		"line break in e-mail":   {claim("email", "ann@example.com\nx"), oidc.ErrIdentity},
		"NUL in e-mail":          {claim("email", "ann\x00@example.com"), oidc.ErrIdentity},
		"C1 control in e-mail":   {claim("email", "ann\u0085@example.com"), oidc.ErrIdentity},
		"direction mark":         {claim("email", "ann\u202e@example.com"), oidc.ErrIdentity},
		"zero width in e-mail":   {claim("email", "ann\u200b@example.com"), oidc.ErrIdentity},
		"blank in e-mail":        {claim("email", "ann @example.com"), oidc.ErrIdentity},
		"address with a name":    {claim("email", "Ann <ann@example.com>"), oidc.ErrIdentity},
		"quote in e-mail":        {claim("email", `ann"@example.com`), oidc.ErrIdentity},
		"long e-mail":            {claim("email", strings.Repeat("a", 250)+"@example.com"), oidc.ErrIdentity},
		"escape code in a name":  {claim("name", "ann\x1b[2J"), oidc.ErrIdentity},
		"line break in nickname": {claim("nickname", "a\nb"), oidc.ErrIdentity},
		"sid a list":             {claim("sid", []string{"x"}), oidc.ErrIdentity},

		"access token missing":           {func(f *oidctest.Provider) { f.Answer = map[string]any{"access_token": nil} }, oidc.ErrToken},
		"access token with a line break": {func(f *oidctest.Provider) { f.Answer = map[string]any{"access_token": "a\r\nb"} }, oidc.ErrToken},
		"access token of another type":   {func(f *oidctest.Provider) { f.Answer = map[string]any{"token_type": "DPoP"} }, oidc.ErrToken},
		"userinfo of another": {func(f *oidctest.Provider) {
			f.Claims = map[string]any{"email": nil}
			f.Userinfo = map[string]any{"sub": "other", "email": "admin@example.com"}
		}, oidc.ErrToken},
		"two @ by userinfo": {func(f *oidctest.Provider) {
			f.Claims = map[string]any{"email": nil}
			f.Userinfo = map[string]any{"sub": "auth0|7", "email": "a@b@example.com"}
		}, oidc.ErrIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			tc.fake(e.fake)
			login, err := e.login(t)
			if login != nil {
				t.Errorf("logged in as %v", login)
			}
			wantErr(t, err, tc.want)
		})
	}
}

// signRaw signs a payload as it is.
func signRaw(payload string) string {
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: oidctest.RSAKey(), KeyID: "k1"}}, nil))
	return must(must(signer.Sign([]byte(payload))).CompactSerialize())
}

// Class 11: an account without an e-mail has no name, whatever it calls itself; an unverified one says so.
func TestClass11Email(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		claims   map[string]any
		email    string
		verified bool
	}{
		"missing":         {map[string]any{"email": nil, "preferred_username": "admin@example.com"}, "", false},
		"null":            {map[string]any{"email": json.RawMessage("null")}, "", false},
		"unverified":      {map[string]any{"email_verified": false}, "ann@example.com", false},
		"nothing said":    {map[string]any{"email_verified": nil}, "ann@example.com", false},
		"verified 1":      {map[string]any{"email_verified": 1}, "ann@example.com", false},
		"another case":    {map[string]any{"EMAIL": "admin@example.com", "Email_Verified": false}, "ann@example.com", true},
		"apostrophe":      {map[string]any{"email": "o'neil@example.com"}, "o'neil@example.com", true},
		"other alphabets": {map[string]any{"email": "zoë@exämple.com"}, "zoë@exämple.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.fake.Claims = tc.claims
			login, err := e.login(t)
			if err != nil {
				t.Fatal(err)
			}
			if login.Identity().Name != tc.email || login.User.Email != tc.email || login.User.EmailVerified != tc.verified {
				t.Errorf("name %q, e-mail %q, verified %v", login.Identity().Name, login.User.Email, login.User.EmailVerified)
			}
		})
	}
}

// Class 11: an app that trims or normalises names, or compares them without case, must not take one user for another.
// Names in all alphabets are fine.
func TestClass11LookAlikes(t *testing.T) {
	t.Parallel()
	for name, claims := range map[string]map[string]any{
		"space before":           {"sub": " auth0|7"},
		"space behind":           {"sub": "auth0|7  "},
		"no-break space":         {"sub": "auth0|7\u00a0"},
		"other space inside":     {"sub": "auth0|7\u3000x"},
		"zero width":             {"sub": "auth0\u200b|7"},
		"direction":              {"sub": "auth0|7\u202e"},
		"replacement":            {"sub": "auth0|\ufffd"},
		"half a surrogate":       {"sub": json.RawMessage(`"auth0|\ud800"`)},
		"another half":           {"sub": json.RawMessage(`"auth0|\udfff"`)},
		"full width":             {"sub": "\uff41uth0|7"},
		"two parts of a letter":  {"sub": "zoe\u0308"},
		"a password's":           {"sub": "password|ann"},
		"a password's, case":     {"sub": "Password|ann"},
		"Kelvin":                 {"email": "\u212aate@example.com"},
		"long s":                 {"email": "\u017fue@example.com"},
		"dotless i":              {"email": "adm\u0131n@example.com"},
		"dotted I":               {"email": "adm\u0130n@example.com"},
		"full width a":           {"email": "\uff41dmin@example.com"},
		"one dot leader":         {"email": "a@c\u2024d.example"},
		"full width dot":         {"email": "a@exam\uff0eple"},
		"ideographic full stop":  {"email": "a@example\u3002com"},
		"half a surrogate there": {"email": json.RawMessage(`"a\ud800@example.com"`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.fake.Claims = claims
			_, err := e.login(t)
			wantErr(t, err, oidc.ErrIdentity)
			raw := oidctest.SignJWT(oidctest.RSAKey(), jose.RS256, "k1", nil, oidctest.Merge(map[string]any{"iss": issuerURL, "aud": audience, "sub": "m",
				"iat": e.clock.now().Unix(), "exp": e.clock.now().Unix() + 60}, claims))
			_, err = e.VerifyBearer(t.Context(), raw, audience)
			wantErr(t, err, oidc.ErrIdentity)
		})
	}
	for name, claims := range map[string]map[string]any{
		"names":              {"name": "\u00dc\u006dit \u4e2d\u6587 \u0410\u043d\u043d\u0430 \uff21", "given_name": " Zoe\u0308 ", "nickname": "\u212a"},
		"subjects":           {"sub": "auth0|5/\u00f6?&=% x"},
		"addresses":          {"email": "\u0430\u043d\u043d\u0430@\u043f\u0440\u0438\u043c\u0435\u0440.example"},
		"Chinese":            {"sub": "\u738b\u5c0f\u660e", "email": "\u738b@example.com"},
		"password elsewhere": {"sub": "passwordless|7"},
	} {
		t.Run("good "+name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.fake.Claims = claims
			if _, err := e.login(t); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Class 11: of a duplicate claim another reader may take the other value.
func TestClass11Twice(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"subject":   `"sub":"auth0|7","sub":"admin"`,
		"escaped":   `"sub":"auth0|7","s\u0075b":"auth0|7"`,
		"e-mail":    `"sub":"auth0|7","email":"a@example.com","email":"b@example.com"`,
		"inside":    `"sub":"auth0|7","realm_access":{"roles":["x"],"roles":["admin"]}`,
		"fine":      `"sub":"auth0|7","Sub":"admin"`,
		"two heads": `"sub":"auth0|7"}{"sub":"admin"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.fake.Sign = func(c map[string]any) string {
				delete(c, "sub")
				delete(c, "email")
				text := must(json.Marshal(c))
				return signRaw(string(text[:len(text)-1]) + "," + payload + "}")
			}
			login, err := e.login(t)
			if name == "fine" || name == "inside" {
				if err != nil || login.User.Subject != "auth0|7" || login.User.Strings("realm_access.roles") != nil {
					t.Fatalf("%v", err)
				}
				return
			}
			wantErr(t, err, oidc.ErrToken)
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.fake.Claims = map[string]any{"groups": []string{"a", "b"}, "role": "r", "bad": []string{"a", "b\n"}, "mixed": []any{"a", 1},
		"realm_access": map[string]any{"roles": []string{"admin"}, "a.b": "no"}, "https://example.com/roles": "r2", "text": "x"}
	login, err := e.login(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"groups": "a b", "role": "r", "bad": "", "mixed": "", "none": "", "exp": "",
		"realm_access.roles": "admin", "realm_access.none": "", "realm_access": "", "https://example.com/roles": "r2", "text.more": "", "groups.a": "", ".": ""} {
		if got := strings.Join(login.User.Strings(name), " "); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// Class 11: new keys are found, also under an old id, and unknown ids do not become a flood at the provider.
func TestClass11Keys(t *testing.T) {
	t.Parallel()
	const keys = "tenant.example.com/keys"
	rotate := func(f *oidctest.Provider, kid string) {
		f.Lock()
		defer f.Unlock()
		f.Key, f.KeyID = oidctest.OtherRSA(), kid
		f.Public = []jose.JSONWebKey{{Key: oidctest.OtherRSA().Public(), KeyID: kid}}
	}
	for name, kid := range map[string]string{"new id": "k2", "old id": "k1", "no id": ""} {
		t.Run("rotation, "+name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			for range 2 {
				if _, err := e.login(t); err != nil {
					t.Fatal(err)
				}
			}
			rotate(e.fake, kid)
			if _, err := e.login(t); err != nil {
				t.Fatal(err)
			}
			if n := e.net.Count(keys); n != 2 {
				t.Errorf("keys fetched %d times, want 2", n)
			}
		})
	}
	t.Run("withdrawn key", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, nil)
		if _, err := e.login(t); err != nil {
			t.Fatal(err)
		}
		e.fake.Public = []jose.JSONWebKey{{Key: oidctest.OtherRSA().Public(), KeyID: "k2"}} // the old one still signs
		e.clock.move(time.Hour)
		_, err := e.login(t)
		wantErr(t, err, oidc.ErrToken)
	})
	t.Run("keys out of reach", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, nil)
		if _, err := e.login(t); err != nil {
			t.Fatal(err)
		}
		e.fake.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
		e.clock.move(2 * time.Hour)
		if _, err := e.login(t); err != nil {
			t.Fatalf("keys of two hours ago are not used: %v", err)
		}
		e.clock.move(23 * time.Hour)
		_, err := e.login(t)
		wantErr(t, err, oidc.ErrUnavailable)
	})
	t.Run("flood of unknown ids", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, nil)
		for i := range 200 {
			raw := oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "flood-"+strconv.Itoa(i), nil, map[string]any{})
			_, err := e.VerifyBearer(t.Context(), raw, "api")
			wantErr(t, err, oidc.ErrToken)
		}
		if n := e.net.Count(keys); n > 3 {
			t.Errorf("keys fetched %d times in one moment", n)
		}
		if _, err := e.login(t); err != nil {
			t.Errorf("the flood locks others out: %v", err)
		}
		e.clock.move(31 * time.Second)
		rotate(e.fake, "k2")
		if _, err := e.login(t); err != nil {
			t.Errorf("keys rotated after the flood: %v", err)
		}
	})
}
