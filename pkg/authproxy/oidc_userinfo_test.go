package authproxy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// What a rule names and the ID token does not say is asked for at userinfo; what nothing depends on need not be had
// (security classes 11 and 18).
func TestUserinfoForRules(t *testing.T) {
	t.Parallel()
	staff := config.Access{Groups: []string{"staff"}}
	company := config.Access{Domains: []string{"example.com"}}
	nested := config.Access{Groups: []string{"staff"}, GroupsClaim: "realm_access.roles"}
	tenant := config.Access{Claims: map[string][]string{"tenant": {"x"}, "level": {"3"}}}
	me := func(claims map[string]any) map[string]any {
		return oidctest.Merge(map[string]any{"sub": "auth0|7"}, claims)
	}
	answers := func(kind string, f func(*oidctest.Provider) string, code int) func(*oidctest.Provider) {
		return func(p *oidctest.Provider) {
			body := f(p)
			p.Handle["/userinfo"] = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.WriteHeader(code)
				_, _ = io.WriteString(w, body)
			}
		}
	}
	signed := func(claims map[string]any) func(*oidctest.Provider) {
		return answers("application/jwt; charset=utf-8", func(p *oidctest.Provider) string {
			return oidctest.SignJWT(p.Key, jose.RS256, "k1", nil, claims)
		}, 200)
	}
	fails := func(code int) func(*oidctest.Provider) {
		return answers("text/html", func(*oidctest.Provider) string { return "canary" }, code)
	}
	for name, tc := range map[string]struct {
		access config.Access
		claims map[string]any // of the ID token
		info   map[string]any
		fake   func(*oidctest.Provider)
		code   int // of the callback
		asked  bool
		logged string
	}{
		"groups":                          {access: staff, info: me(map[string]any{"groups": []string{"staff"}}), code: 302, asked: true},
		"groups in the ID token":          {access: staff, claims: map[string]any{"groups": []string{"staff"}}, code: 302},
		"other groups in the ID token":    {access: staff, claims: map[string]any{"groups": []string{"x"}}, info: me(map[string]any{"groups": "staff"}), code: 403},
		"no groups in the ID token":       {access: staff, claims: map[string]any{"groups": []string{}}, info: me(map[string]any{"groups": "staff"}), code: 403},
		"groups null in the ID token":     {access: staff, claims: map[string]any{"groups": json.RawMessage("null")}, info: me(map[string]any{"groups": "staff"}), code: 302, asked: true},
		"other groups":                    {access: staff, info: me(map[string]any{"groups": []string{"x"}}), code: 403, asked: true},
		"groups of another user":          {access: staff, info: map[string]any{"sub": "other", "groups": "staff"}, code: 502, asked: true},
		"groups of nobody":                {access: staff, info: map[string]any{"groups": "staff"}, code: 502, asked: true},
		"groups out of reach":             {access: staff, fake: fails(503), code: 503, asked: true, logged: "answered with status 503"},
		"groups refused":                  {access: staff, fake: fails(401), code: 403, asked: true, logged: "answered with status 401"},
		"groups not in JSON":              {access: staff, fake: fails(200), code: 503, asked: true},
		"nested":                          {access: nested, info: me(map[string]any{"realm_access": map[string]any{"roles": []string{"staff"}}}), code: 302, asked: true},
		"nested beside others":            {access: nested, claims: map[string]any{"realm_access": map[string]any{"x": 1}}, info: me(map[string]any{"realm_access": map[string]any{"roles": "staff"}}), code: 302, asked: true},
		"nested, said already":            {access: nested, claims: map[string]any{"realm_access": map[string]any{"roles": "x"}}, info: me(map[string]any{"realm_access.roles": "staff"}), code: 403},
		"both claims":                     {access: tenant, info: me(map[string]any{"tenant": "x", "level": 3}), code: 302, asked: true},
		"one claim each":                  {access: tenant, claims: map[string]any{"tenant": "x"}, info: me(map[string]any{"tenant": "y", "level": 3}), code: 302, asked: true},
		"one claim missing":               {access: tenant, info: me(map[string]any{"tenant": "x"}), code: 403, asked: true},
		"e-mail":                          {access: company, claims: map[string]any{"email": nil, "email_verified": nil}, info: me(map[string]any{"email": "ann@example.com", "email_verified": true}), code: 302, asked: true},
		"e-mail not verified":             {access: company, claims: map[string]any{"email": nil}, info: me(map[string]any{"email": "ann@example.com"}), code: 403, asked: true},
		"e-mail verified there":           {access: company, claims: map[string]any{"email_verified": nil}, info: me(map[string]any{"email": "ann@example.com", "email_verified": true}), code: 302, asked: true},
		"another e-mail verified":         {access: company, claims: map[string]any{"email_verified": nil}, info: me(map[string]any{"email": "bob@example.com", "email_verified": true}), code: 403, asked: true},
		"e-mail said not to be verified":  {access: company, claims: map[string]any{"email_verified": false}, info: me(map[string]any{"email": "ann@example.com", "email_verified": true}), code: 403},
		"signed":                          {access: staff, fake: signed(me(map[string]any{"groups": "staff"})), code: 302, asked: true},
		"signed, with issuer":             {access: staff, fake: signed(me(map[string]any{"groups": "staff", "iss": issuerURL, "aud": oidctest.ClientID})), code: 302, asked: true},
		"signed, of another user":         {access: staff, fake: signed(map[string]any{"sub": "other", "groups": "staff"}), code: 502, asked: true},
		"signed, of another issuer":       {access: staff, fake: signed(me(map[string]any{"groups": "staff", "iss": otherURL})), code: 502, asked: true},
		"signed, for another application": {access: staff, fake: signed(me(map[string]any{"groups": "staff", "aud": "client-2"})), code: 502, asked: true},
		"signed by another key": {access: staff, fake: answers("application/jwt", func(*oidctest.Provider) string {
			return oidctest.SignJWT(oidctest.OtherRSA(), jose.RS256, "k1", nil, me(map[string]any{"groups": "staff"}))
		}, 200), code: 502, asked: true},
		"signed by nobody": {access: staff, fake: answers("application/jwt", func(*oidctest.Provider) string {
			return oidctest.Part(map[string]any{"alg": "none"}) + "." + oidctest.Part(me(map[string]any{"groups": "staff"})) + "."
		}, 200), code: 502, asked: true},
		"signed, said to be JSON": {access: staff, fake: answers("application/json", func(p *oidctest.Provider) string {
			return oidctest.SignJWT(p.Key, jose.RS256, "k1", nil, me(map[string]any{"groups": "staff"}))
		}, 200), code: 503, asked: true},

		"no rule":                              {code: 302},
		"no rule, no e-mail":                   {claims: map[string]any{"email": nil}, info: me(map[string]any{"email": "ann@example.com"}), code: 302, asked: true},
		"no rule, no e-mail, out of reach":     {claims: map[string]any{"email": nil}, fake: fails(503), code: 302, asked: true, logged: "no user information"},
		"no rule, no e-mail, signed by others": {claims: map[string]any{"email": nil}, fake: answers("application/jwt", func(*oidctest.Provider) string { return "a.b.c" }, 200), code: 302, asked: true},
		"no rule, no e-mail, no JSON":          {claims: map[string]any{"email": nil}, fake: fails(200), code: 302, asked: true},
		"no rule, no e-mail, another user's":   {claims: map[string]any{"email": nil}, info: map[string]any{"sub": "other"}, code: 502, asked: true},

		"overage": {access: staff, claims: map[string]any{"_claim_names": map[string]any{"groups": "src1"},
			"_claim_sources": map[string]any{"src1": map[string]any{"endpoint": issuerURL + "/groups"}}}, info: me(nil), code: 403, asked: true,
			logged: "groups assigned to the application"},
		"overage as text":        {access: staff, claims: map[string]any{"_claim_names": `{"groups":"src1"}`}, fake: fails(401), code: 403, asked: true, logged: "AUTH_GROUPS_CLAIM=roles"},
		"overage as a mark":      {access: staff, claims: map[string]any{"hasgroups": true}, fake: fails(401), code: 403, asked: true, logged: "200 groups"},
		"overage told elsewhere": {access: staff, info: me(map[string]any{"_claim_names": map[string]any{"groups": "src1"}}), code: 403, asked: true, logged: "200 groups"},
		"aggregated": {access: staff, claims: map[string]any{"_claim_names": map[string]any{"groups": "src1"},
			"_claim_sources": map[string]any{"src1": map[string]any{"JWT": "a.b.c"}}}, info: me(nil), code: 403, asked: true, logged: "where to ask for the claim groups"},
		"reference to something else": {access: staff, claims: map[string]any{"_claim_names": map[string]any{"address": "src1"}}, info: me(nil), code: 403, asked: true, logged: "is in the claim groups\" "},
		"reference that helps":        {access: staff, claims: map[string]any{"_claim_names": map[string]any{"groups": "src1"}}, info: me(map[string]any{"groups": "staff"}), code: 302, asked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.Access = tc.access
			env := newOIDC(t, c, nil, with(func(p *oidctest.Provider) {
				p.Claims, p.Userinfo = tc.claims, tc.info
				if tc.fake != nil {
					tc.fake(p)
				}
			}))
			b := env.browser()
			in := b.finishLogin(env.fake, b.beginLogin("/"))
			if in.StatusCode != tc.code || (b.session() != "") != (tc.code == 302) {
				t.Errorf("callback %d, want %d\n%s", in.StatusCode, tc.code, env.logs)
			}
			if asked := env.net.Count("tenant.example.com/userinfo"); (asked == 1) != tc.asked || asked > 1 {
				t.Errorf("userinfo was asked %d times", asked)
			}
			if log := env.logs.String(); !strings.Contains(log, tc.logged) || strings.Contains(log, "canary") {
				t.Errorf("the log does not say %q, or too much:\n%s", tc.logged, log)
			}
		})
	}
}
