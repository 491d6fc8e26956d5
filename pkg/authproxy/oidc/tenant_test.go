package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

const (
	tenantA  = "11111111-2222-3333-4444-555555555555"
	tenantB  = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	personal = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

// newTenants is a provider of many tenants, as Entra ID is: below /<name>/v2.0 is a document whose issuer leaves the
// tenant open.
func newTenants(t *testing.T, name, announced string, change func(*oidc.Options)) *env {
	t.Helper()
	e := newEnv(t, func(o *oidc.Options) {
		o.Issuer = issuerURL + "/" + name + "/v2.0"
		change(o)
	})
	e.fake.Document = map[string]any{"issuer": announced}
	e.net.Set("tenant.example.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/"+name+"/v2.0")
		e.fake.ServeHTTP(rw, r)
	}))
	return e
}

// ofTenant are the claims of an account.
func ofTenant(tid string) map[string]any {
	return map[string]any{"tid": tid, "iss": issuerURL + "/" + tid + "/v2.0"}
}

// An issuer of many tenants is used where that was asked for, and a token of one of them must be of that one (security
// classes 11 and 12).
func TestClass12Tenants(t *testing.T) {
	t.Parallel()
	const open = issuerURL + "/{tenantid}/v2.0"
	for name, tc := range map[string]struct {
		path, announced, tenants string
		claims                   map[string]any
		ready, want              error
	}{
		"common":            {"common", open, "any", ofTenant(tenantA), nil, nil},
		"another tenant":    {"common", open, "any", ofTenant(tenantB), nil, nil},
		"organizations":     {"organizations", open, tenantA, ofTenant(tenantA), nil, nil},
		"consumers":         {"consumers", issuerURL + "/" + personal + "/v2.0", personal, ofTenant(personal), nil, nil},
		"consumers, open":   {"consumers", open, "any", ofTenant(personal), nil, nil},
		"slash behind":      {"common", open + "/", "any", map[string]any{"tid": tenantA, "iss": issuerURL + "/" + tenantA + "/v2.0/"}, nil, nil},
		"not asked for":     {"common", open, "", ofTenant(tenantA), oidc.ErrMisconfigured, nil},
		"not asked for, 2":  {"organizations", open, "", ofTenant(tenantA), oidc.ErrMisconfigured, nil},
		"not asked for, 3":  {"consumers", issuerURL + "/" + personal + "/v2.0", "", ofTenant(personal), oidc.ErrMisconfigured, nil},
		"another host":      {"common", "https://evil.example/{tenantid}/v2.0", "any", nil, oidc.ErrMisconfigured, nil},
		"another path":      {"common", issuerURL + "/{tenantid}/v1.0", "any", nil, oidc.ErrMisconfigured, nil},
		"mark twice":        {"common", issuerURL + "/{tenantid}/{tenantid}/v2.0", "any", nil, oidc.ErrMisconfigured, nil},
		"mark of one's own": {"tenant", open, "any", nil, oidc.ErrMisconfigured, nil},
		"personal for all":  {"common", issuerURL + "/" + personal + "/v2.0", "any", nil, oidc.ErrMisconfigured, nil},

		"no tid":            {"common", open, "any", map[string]any{"iss": issuerURL + "/" + tenantA + "/v2.0"}, nil, oidc.ErrToken},
		"another tid":       {"common", open, "any", map[string]any{"tid": tenantB, "iss": issuerURL + "/" + tenantA + "/v2.0"}, nil, oidc.ErrToken},
		"tid in capitals":   {"common", open, "any", ofTenant(strings.ToUpper(tenantB)), nil, oidc.ErrToken},
		"tid that is a way": {"common", open, "any", ofTenant("../" + tenantA), nil, oidc.ErrToken},
		"tid a name":        {"common", open, "any", ofTenant("common"), nil, oidc.ErrToken},
		"tid the mark":      {"common", open, "any", ofTenant("{tenantid}"), nil, oidc.ErrToken},
		"tid a list":        {"common", open, "any", map[string]any{"tid": []string{tenantA}, "iss": issuerURL + "/" + tenantA + "/v2.0"}, nil, oidc.ErrToken},
		"issuer the mark":   {"common", open, "any", map[string]any{"tid": tenantA, "iss": open}, nil, oidc.ErrToken},
		"issuer elsewhere":  {"common", open, "any", map[string]any{"tid": tenantA, "iss": "https://evil.example/" + tenantA + "/v2.0"}, nil, oidc.ErrToken},
		"issuer as typed":   {"common", open, "any", map[string]any{"tid": tenantA, "iss": issuerURL + "/common/v2.0"}, nil, oidc.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newTenants(t, tc.path, tc.announced, func(o *oidc.Options) { o.Tenants = tc.tenants })
			err := e.Ready(t.Context())
			wantErr(t, err, tc.ready)
			if err != nil {
				if tc.tenants == "" && !strings.Contains(err.Error(), "AUTH_TENANTS") {
					t.Errorf("%v does not say what to configure", err)
				}
				return
			}
			e.fake.Claims = tc.claims
			login, err := e.login(t)
			wantErr(t, err, tc.want)
			if err == nil && login.User.Issuer != tc.claims["iss"] {
				t.Errorf("issuer %q", login.User.Issuer)
			}
			raw := oidctest.SignJWT(e.fake.Key, jose.RS256, "k1", nil, oidctest.Merge(map[string]any{"aud": audience, "sub": "m", "scp": "x",
				"iat": e.clock.now().Unix(), "exp": e.clock.now().Unix() + 60}, tc.claims))
			_, err = e.VerifyBearer(t.Context(), raw, audience)
			wantErr(t, err, tc.want)
			if tc.want == nil && !e.Claimed(raw) {
				t.Error("its own bearer token is not recognised")
			}
		})
	}
}

// A key that is for one tenant signs for no other (Microsoft identity platform: signing key issuer validation).
func TestClass12KeysOfTenants(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		issuer any
		want   error
	}{
		"any tenant":      {issuerURL + "/{tenantid}/v2.0", nil},
		"this tenant":     {issuerURL + "/" + tenantA + "/v2.0", nil},
		"another tenant":  {issuerURL + "/" + tenantB + "/v2.0", oidc.ErrToken},
		"another issuer":  {"https://evil.example/{tenantid}/v2.0", oidc.ErrToken},
		"nothing is said": {nil, nil},
		"no text":         {7, oidc.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newTenants(t, "common", issuerURL+"/{tenantid}/v2.0", func(o *oidc.Options) { o.Tenants = "any" })
			var key map[string]any
			if err := json.Unmarshal(must(json.Marshal(e.fake.Public[0])), &key); err != nil {
				t.Fatal(err)
			}
			if tc.issuer != nil {
				key["issuer"] = tc.issuer
			}
			e.fake.Handle["/keys"] = func(rw http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(rw, 200, map[string]any{"keys": []any{key}})
			}
			e.fake.Claims = ofTenant(tenantA)
			_, err := e.login(t)
			wantErr(t, err, tc.want)
		})
	}
}

// What the provider says of itself at the callback (RFC 9207) may be the issuer of any tenant, and nobody else's.
func TestClass12IssuerOfTenantAtCallback(t *testing.T) {
	t.Parallel()
	for iss, want := range map[string]error{
		issuerURL + "/" + tenantA + "/v2.0": nil, "": oidc.ErrCallback, "https://evil.example/" + tenantA + "/v2.0": oidc.ErrCallback,
		issuerURL + "/evil/v2.0": oidc.ErrCallback, issuerURL + "/{tenantid}/v2.0": nil,
	} {
		e := newTenants(t, "common", issuerURL+"/{tenantid}/v2.0", func(o *oidc.Options) { o.Tenants = "any" })
		e.fake.Document["authorization_response_iss_parameter_supported"] = true
		e.fake.Claims = ofTenant(tenantA)
		address, tx := e.begin(t, e.Provider)
		query := e.fake.Authorize(t, address)
		if iss != "" {
			query.Set("iss", iss)
		}
		_, err := e.Finish(t.Context(), query, tx)
		wantErr(t, err, want)
	}
}

func TestOldEntraIssuer(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.fake.Document = map[string]any{"issuer": "https://sts.windows.net/" + tenantA + "/"}
	err := e.Ready(t.Context())
	wantErr(t, err, oidc.ErrMisconfigured)
	if !strings.Contains(err.Error(), "/v2.0") {
		t.Error(err)
	}
}

func TestCheckTenants(t *testing.T) {
	t.Parallel()
	for list, ok := range map[string]bool{"": true, "any": true, tenantA: true, tenantA + "," + tenantB: true,
		"any," + tenantA: false, "*": false, "contoso.com": false, tenantA + ",": false, strings.ToUpper(tenantB): false, tenantA[1:]: false} {
		if err := oidc.CheckTenants(list); (err == nil) != ok {
			t.Errorf("%q: %v", list, err)
		}
	}
	for issuer, want := range map[string]bool{
		"https://login.microsoftonline.com/common/v2.0": true, "login.microsoftonline.com/organizations/v2.0/": true,
		"https://login.microsoftonline.com/consumers/v2.0": true, "https://login.microsoftonline.us/common": true,
		"https://login.microsoftonline.com/" + tenantA + "/v2.0": false, "https://login.microsoftonline.com/contoso.com/v2.0": false,
		"https://idp.example.com/common/v2.0": false, "": false, "https://login.microsoftonline.com": false,
	} {
		if got := oidc.OfAllTenants(issuer); got != want {
			t.Errorf("%s: %v", issuer, got)
		}
	}
}

// Further parameters go along, and none of them replaces one that the login sets.
func TestParameters(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *oidc.Options) {
		o.Params = "acr_values=urn%3Ax&resource=a&resource=b&state=evil&nonce=evil&redirect_uri=https://evil.example&response_type=token&client_id=evil&" +
			"code_challenge=evil&code_challenge_method=plain&scope=evil"
	})
	address, _ := e.begin(t, e.Provider)
	e.fake.Authorize(t, address) // looks at what protects the login
	got := must(url.Parse(address)).Query()
	if got.Get("acr_values") != "urn:x" || strings.Join(got["resource"], " ") != "a b" || strings.Contains(address, "evil") || len(got["state"]) != 1 {
		t.Errorf("%s", address)
	}
}

// Where max_age was asked for, the login has to be as recent as that says.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	now := newClock().now().Unix()
	for name, tc := range map[string]struct {
		at   any
		want error
	}{
		"just now": {now, nil}, "within": {now - 600, nil}, "clocks differ": {now - 600 - 299, nil}, "too long ago": {now - 600 - 301, oidc.ErrToken},
		"not said": {nil, oidc.ErrToken}, "as text": {"now", oidc.ErrToken},
	} {
		e := newEnv(t, func(o *oidc.Options) { o.Params = "max_age=600" })
		e.fake.Claims = map[string]any{"auth_time": tc.at}
		if _, err := e.login(t); (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Another claim than the e-mail may name people; it is held to what an e-mail is held to.
func TestNameClaim(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		option   string
		claims   map[string]any
		userinfo map[string]any
		want     string
		err      error
	}{
		"e-mail":                    {"", map[string]any{"preferred_username": "ann"}, nil, "ann@example.com", nil},
		"another":                   {"preferred_username", map[string]any{"preferred_username": "ann"}, nil, "ann", nil},
		"no e-mail":                 {"upn", map[string]any{"upn": "ann@corp", "email": nil}, nil, "ann@corp", nil},
		"nested":                    {"profile.name", map[string]any{"profile": map[string]any{"name": "Ann Ö"}}, nil, "Ann Ö", nil},
		"namespaced":                {"https://x.example/name", map[string]any{"https://x.example/name": "ann"}, nil, "ann", nil},
		"by userinfo":               {"nickname", nil, map[string]any{"sub": "auth0|7", "nickname": "ann"}, "ann", nil},
		"by userinfo, not there":    {"nickname", nil, nil, "", nil},
		"of another user":           {"nickname", nil, map[string]any{"sub": "other", "nickname": "root"}, "", oidc.ErrToken},
		"missing":                   {"upn", nil, nil, "", nil},
		"empty":                     {"upn", map[string]any{"upn": ""}, nil, "", nil},
		"a list":                    {"upn", map[string]any{"upn": []string{"a", "b"}}, nil, "", oidc.ErrIdentity},
		"a number":                  {"upn", map[string]any{"upn": 7}, nil, "", oidc.ErrIdentity},
		"a line break":              {"upn", map[string]any{"upn": "a\r\nX-Auth-Sub: root"}, nil, "", oidc.ErrIdentity},
		"a look-alike":              {"upn", map[string]any{"upn": "\uff41nn"}, nil, "", oidc.ErrIdentity},
		"white space around":        {"upn", map[string]any{"upn": "ann "}, nil, "", oidc.ErrIdentity},
		"too long":                  {"upn", map[string]any{"upn": strings.Repeat("a", 255)}, nil, "", oidc.ErrIdentity},
		"another, not looked at":    {"upn", map[string]any{"upn": "ann", "custom": "a\nb"}, nil, "ann", nil},
		"userinfo with white space": {"nickname", nil, map[string]any{"sub": "auth0|7", "nickname": " ann"}, "", oidc.ErrIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, func(o *oidc.Options) { o.NameClaim = tc.option })
			e.fake.Claims, e.fake.Userinfo = tc.claims, tc.userinfo
			login, err := e.login(t)
			wantErr(t, err, tc.err)
			if err == nil && (login.Identity().Name != tc.want || login.User.Name != tc.want) {
				t.Errorf("name %q, want %q", login.Identity().Name, tc.want)
			}
		})
	}
}
