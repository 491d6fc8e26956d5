package oidc_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

const wellKnown = "/.well-known/openid-configuration"

func redirectTo(target string) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) {
		f.Handle[wellKnown] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) }
	}
}

func answerWith(code int, body string) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) {
		f.Handle[wellKnown] = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
}

// withMark has the provider's own document begin with a byte order mark.
func withMark(f *oidctest.Provider) {
	f.Handle[wellKnown] = func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "\ufeff")
		f.Lock()
		delete(f.Handle, wellKnown)
		f.Unlock()
		f.ServeHTTP(w, r)
	}
}

func document(name string, value any) func(*oidctest.Provider) {
	return func(f *oidctest.Provider) { f.Document = map[string]any{name: value} }
}

// Classes 12 and 18: which discovery documents are believed.
func TestClass12And18Discovery(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fake func(*oidctest.Provider)
		want error
	}{
		"foreign issuer":             {document("issuer", "https://evil.example.com"), oidc.ErrMisconfigured},
		"issuer below":               {document("issuer", issuerURL+"/tenant"), oidc.ErrMisconfigured},
		"issuer with http":           {document("issuer", "http://tenant.example.com"), oidc.ErrMisconfigured},
		"issuer with another port":   {document("issuer", issuerURL+":8443"), oidc.ErrMisconfigured},
		"issuer without scheme":      {document("issuer", "tenant.example.com"), oidc.ErrMisconfigured},
		"issuer with a query":        {document("issuer", issuerURL+"?x"), oidc.ErrMisconfigured},
		"issuer a pattern":           {document("issuer", "https://tenant.example.com/{tenantid}/v2.0"), oidc.ErrMisconfigured},
		"issuer missing":             {document("issuer", nil), oidc.ErrMisconfigured},
		"issuer with two slashes":    {document("issuer", issuerURL+"//"), nil},
		"issuer with the usual port": {document("issuer", issuerURL+":443/"), nil},
		"token endpoint with http":   {document("token_endpoint", "http://tenant.example.com/token"), oidc.ErrMisconfigured},
		"token endpoint missing":     {document("token_endpoint", nil), oidc.ErrMisconfigured},
		"token endpoint elsewhere":   {document("token_endpoint", "https://tokens.example.com/token"), nil},
		"keys on this machine":       {document("jwks_uri", "https://127.0.0.1:6443/keys"), oidc.ErrMisconfigured},
		"keys on this machine, v6":   {document("jwks_uri", "http://[::1]/keys"), oidc.ErrMisconfigured},
		"keys on localhost":          {document("jwks_uri", "http://LOCALHOST/keys"), oidc.ErrMisconfigured},
		"keys on localhost, dot":     {document("jwks_uri", "https://localhost./keys"), oidc.ErrMisconfigured},
		"keys below localhost, dot":  {document("jwks_uri", "https://idp.localhost./keys"), oidc.ErrMisconfigured},
		"keys on 127.0.0.1, dot":     {document("jwks_uri", "https://127.0.0.1./keys"), oidc.ErrMisconfigured},
		"keys on all interfaces":     {document("jwks_uri", "https://0.0.0.0/keys"), oidc.ErrMisconfigured},
		"keys on all interfaces, v6": {document("token_endpoint", "https://[::]/token"), oidc.ErrMisconfigured},
		"keys on zeros in v6":        {document("userinfo_endpoint", "https://[::ffff:0.0.0.0]/u"), oidc.ErrMisconfigured},
		"keys on a short address":    {document("jwks_uri", "https://127.1/keys"), oidc.ErrMisconfigured},
		"keys on a number":           {document("jwks_uri", "https://2130706433/keys"), oidc.ErrMisconfigured},
		"keys on a hex number":       {document("jwks_uri", "https://0x7f.0.0.0x1/keys"), oidc.ErrMisconfigured},
		"keys on another dot":        {document("jwks_uri", "https://keys.example.com./keys"), nil},
		"keys at an address":         {document("jwks_uri", "https://192.0.2.1/keys"), nil},
		"keys in other letters":      {document("JWKS_URI", "https://127.0.0.1/keys"), nil},
		"issuer twice":               {answerWith(200, `{"issuer":"`+issuerURL+`","issuer":"`+issuerURL+`"}`), oidc.ErrUnavailable},
		"issuer in other letters":    {func(f *oidctest.Provider) { f.Document = map[string]any{"issuer": nil, "Issuer": issuerURL} }, oidc.ErrMisconfigured},
		"keys in a file":             {document("jwks_uri", "file:///etc/passwd"), oidc.ErrMisconfigured},
		"user in an endpoint":        {document("token_endpoint", "https://a:b@tenant.example.com/token"), oidc.ErrMisconfigured},
		"login by javascript":        {document("authorization_endpoint", "javascript:alert(1)"), oidc.ErrMisconfigured},
		"logout by javascript":       {document("end_session_endpoint", "javascript:alert(1)"), oidc.ErrMisconfigured},
		"line break in an endpoint":  {document("authorization_endpoint", issuerURL+"/a\r\nx"), oidc.ErrMisconfigured},
		"no client secret":           {document("token_endpoint_auth_methods_supported", []string{"private_key_jwt"}), oidc.ErrMisconfigured},
		"no PKCE with S256":          {document("code_challenge_methods_supported", []string{"plain"}), oidc.ErrMisconfigured},
		"endpoint of another kind":   {document("token_endpoint", 1), oidc.ErrUnavailable},
		"no PKCE with S256, as text": {document("code_challenge_methods_supported", "plain"), oidc.ErrMisconfigured},
		"PKCE as text":               {document("code_challenge_methods_supported", "S256"), nil},
		"PKCE a number":              {document("code_challenge_methods_supported", 256), nil},
		"client secret as text":      {document("token_endpoint_auth_methods_supported", "client_secret_basic"), nil},
		"no client secret, as text":  {document("token_endpoint_auth_methods_supported", "private_key_jwt"), oidc.ErrMisconfigured},
		"algorithms an object":       {document("id_token_signing_alg_values_supported", map[string]any{}), nil},
		"logout a number":            {document("end_session_endpoint", 1), nil},
		"user information a list":    {document("userinfo_endpoint", []string{issuerURL + "/u"}), nil},
		"iss parameter as text":      {document("authorization_response_iss_parameter_supported", "true"), nil},
		"what is not used":           {document("scopes_supported", "openid"), nil},

		"HTML":                     {answerWith(200, "<!doctype html><title>Welcome</title>"), oidc.ErrUnavailable},
		"empty":                    {answerWith(200, ""), oidc.ErrUnavailable},
		"null":                     {answerWith(200, "null"), oidc.ErrMisconfigured},
		"byte order mark":          {withMark, nil},
		"not found":                {answerWith(404, "{}"), oidc.ErrUnavailable},
		"broken":                   {answerWith(502, "bad gateway"), oidc.ErrUnavailable},
		"huge":                     {answerWith(200, `{"issuer":"`+issuerURL+`","x":"`+strings.Repeat("a", 1<<20)+`"}`), oidc.ErrUnavailable},
		"redirect to another host": {redirectTo("https://evil.example.com" + wellKnown), oidc.ErrUnavailable},
		"redirect to http":         {redirectTo("http://tenant.example.com" + wellKnown), oidc.ErrUnavailable},
		"redirect to this machine": {redirectTo("http://127.0.0.1:6443/"), oidc.ErrUnavailable},
		"redirect without end":     {redirectTo(wellKnown), oidc.ErrUnavailable},
		"redirect on the host": {func(f *oidctest.Provider) {
			f.Handle[wellKnown] = func(w http.ResponseWriter, r *http.Request) {
				delete(f.Handle, wellKnown)
				http.Redirect(w, r, wellKnown+"?v=2", http.StatusFound)
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			tc.fake(e.fake)
			evil := oidctest.New("https://evil.example.com", e.clock.now)
			e.net.Set("evil.example.com", evil)
			e.net.Set("127.0.0.1:6443", evil)
			wantErr(t, e.Ready(t.Context()), tc.want)
			if e.net.Count("evil.example.com"+wellKnown)+e.net.Count("127.0.0.1:6443/") > 0 {
				t.Error("another host was asked")
			}
		})
	}
}

// The code and the client's secret go nowhere but to the token endpoint (class 18).
func TestClass18TokenRedirect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		target string
		code   int
	}{
		"elsewhere, again as POST": {"https://evil.example.com/token", http.StatusTemporaryRedirect},
		"elsewhere, as GET":        {"https://evil.example.com/token", http.StatusFound},
		"same host, again as POST": {"/elsewhere", http.StatusPermanentRedirect},
		"same host, as GET":        {"/elsewhere", http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.net.Set("evil.example.com", oidctest.New("https://evil.example.com", e.clock.now))
			e.fake.Handle["/token"] = func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, tc.target, tc.code)
			}
			_, err := e.login(t)
			wantErr(t, err, oidc.ErrUnavailable)
			if e.net.Count("evil.example.com/token")+e.net.Count("tenant.example.com/elsewhere") > 0 {
				t.Error("the redirect was followed")
			}
		})
	}
}

func TestTokenEndpointFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code int
		body string
		want error
	}{
		"HTML":           {200, "<html>", oidc.ErrUnavailable},
		"server error":   {500, "", oidc.ErrUnavailable},
		"error with 200": {200, `{"error":"invalid_client"}`, oidc.ErrMisconfigured},
		"bare 401":       {401, "no", oidc.ErrMisconfigured},
		"bare 403":       {403, "no", oidc.ErrUnavailable},
		"huge":           {200, strings.Repeat(" ", 2<<20), oidc.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.fake.Handle["/token"] = func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(tc.code)
				_, _ = io.WriteString(rw, tc.body)
			}
			_, err := e.login(t)
			wantErr(t, err, tc.want)
		})
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		issuer string
		ok     bool
	}{
		"https":             {"https://tenant.example.com/", true},
		"without scheme":    {"tenant.example.com", true},
		"with path":         {"https://login.example.com/tenant/v2.0", true},
		"http, loopback":    {"http://127.0.0.1:9000", true},
		"http, loopback v6": {"http://[::1]:9000", true},
		"http, localhost":   {"http://idp.localhost:9000", true},
		"http elsewhere":    {"http://tenant.example.com", false},
		"http, look-alike":  {"http://127.0.0.1.example.com", false},
		"empty":             {" ", false},
		"query":             {"https://tenant.example.com/?a=b", false},
		"fragment":          {"https://tenant.example.com/#a", false},
		"user":              {"https://a:b@tenant.example.com/", false},
		"no host":           {"https:///x", false},
		"other scheme":      {"ftp://tenant.example.com", false},
		"control":           {"https://tenant.example.com/\n", true}, // blanks around it go
		"control inside":    {"https://ten\nant.example.com/", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := oidc.New(oidc.Options{Issuer: tc.issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
				RedirectURL: callbackURL, Now: newClock().now, Random: strings.NewReader("")})
			if (err == nil) != tc.ok {
				t.Errorf("error %v", err)
			}
		})
	}
	for name, change := range map[string]func(*oidc.Options){
		"no client id":         func(o *oidc.Options) { o.ClientID = "" },
		"no secret":            func(o *oidc.Options) { o.ClientSecret = "" },
		"relative redirect":    func(o *oidc.Options) { o.RedirectURL = "/callback" },
		"redirect to a script": func(o *oidc.Options) { o.RedirectURL = "javascript://x/callback" },
		"no clock":             func(o *oidc.Options) { o.Now = nil },
		"long name":            func(o *oidc.Options) { o.Name = strings.Repeat("n", 65) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := oidc.Options{Issuer: issuerURL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
				RedirectURL: callbackURL, Now: newClock().now, Random: strings.NewReader("")}
			change(&o)
			if _, err := oidc.New(o); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// A provider that never answers costs five seconds, once for all who wait.
func TestSlowProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, func(o *oidc.Options) { o.Now = time.Now })
		e.fake.Handle[wellKnown] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		start := time.Now()
		answers := make(chan error)
		for range 20 {
			go func() { answers <- e.Ready(t.Context()) }()
		}
		for range 20 {
			wantErr(t, <-answers, oidc.ErrUnavailable)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
		wantErr(t, e.Ready(t.Context()), oidc.ErrUnavailable) // at once, from memory
		if n := e.net.Count("tenant.example.com" + wellKnown); n != 1 || time.Since(start) != 5*time.Second {
			t.Errorf("asked %d times in %v", n, time.Since(start))
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.Sleep(10 * time.Second)
		wantErr(t, e.Ready(impatient), oidc.ErrUnavailable)
		time.Sleep(10 * time.Second) // what the impatient one began has ended
	})
}

// A provider that is back is found within 20 seconds, with Run in the background and without it by a request.
func TestRecovery(t *testing.T) {
	t.Parallel()
	for name, withRun := range map[string]bool{"in the background": true, "by a request": false} {
		for fault, down := range map[string]http.Handler{
			"refuses": nil,
			"hangs":   http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			"is ill":  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }),
		} {
			t.Run(name+", "+fault, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					e := newEnv(t, func(o *oidc.Options) { o.Now = time.Now })
					e.net.Set("tenant.example.com", down)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if withRun {
						go e.Run(ctx)
					}
					for range 100 {
						wantErr(t, e.Ready(ctx), oidc.ErrUnavailable)
						time.Sleep(time.Second)
					}
					if n := e.net.Count("tenant.example.com" + wellKnown); n > 30 {
						t.Errorf("asked %d times in less than ten minutes", n)
					}
					e.net.Set("tenant.example.com", e.fake)
					if withRun {
						time.Sleep(20 * time.Second)
						if _, ok := e.LogoutURL("", "/"); !ok {
							t.Error("not found in the background")
						}
						return
					}
					for range 20 {
						time.Sleep(time.Second)
						if e.Ready(ctx) == nil {
							return
						}
					}
					t.Error("not found by a request")
				})
			})
		}
	}
}

// An hour later the document is read again; a bad one does not replace the good.
func TestRediscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, func(o *oidc.Options) { o.Now = time.Now })
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go e.Run(ctx)
		time.Sleep(time.Minute)
		e.fake.Lock()
		e.fake.Document = map[string]any{"issuer": "https://evil.example.com", "end_session_endpoint": "https://evil.example.com/end"}
		e.fake.Unlock()
		time.Sleep(time.Hour)
		if address, _ := e.LogoutURL("", ""); !strings.HasPrefix(address, issuerURL+"/end") || e.Ready(ctx) != nil {
			t.Errorf("after a bad document: %s, %v", address, e.Ready(ctx))
		}
		e.fake.Lock()
		e.fake.Document = map[string]any{"end_session_endpoint": issuerURL + "/goodbye"}
		e.fake.Unlock()
		time.Sleep(time.Minute)
		if address, _ := e.LogoutURL("", ""); !strings.HasPrefix(address, issuerURL+"/goodbye") {
			t.Errorf("after a new document: %s", address)
		}
	})
}
