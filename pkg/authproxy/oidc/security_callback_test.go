package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// Class 7: a callback that belongs to no login of this browser redeems no code.
func TestClass7State(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(t *testing.T, e *env, q url.Values)
		want   error
	}{
		"missing":             {func(_ *testing.T, _ *env, q url.Values) { q.Del("state") }, oidc.ErrTransaction},
		"empty":               {func(_ *testing.T, _ *env, q url.Values) { q.Set("state", "") }, oidc.ErrTransaction},
		"longer":              {func(_ *testing.T, _ *env, q url.Values) { q.Set("state", q.Get("state")+"A") }, oidc.ErrTransaction},
		"twice":               {func(_ *testing.T, _ *env, q url.Values) { q.Add("state", q.Get("state")) }, oidc.ErrCallback},
		"huge":                {func(_ *testing.T, _ *env, q url.Values) { q.Set("state", strings.Repeat("A", 1<<16)) }, oidc.ErrCallback},
		"two codes":           {func(_ *testing.T, _ *env, q url.Values) { q.Add("code", "x") }, oidc.ErrCallback},
		"NUL":                 {func(_ *testing.T, _ *env, q url.Values) { q.Set("code", "x\x00") }, oidc.ErrCallback},
		"both code and error": {func(_ *testing.T, _ *env, q url.Values) { q.Set("error", "access_denied") }, oidc.ErrCallback},
		"neither":             {func(_ *testing.T, _ *env, q url.Values) { q.Del("code") }, oidc.ErrCallback},
		"of another browser": {func(t *testing.T, e *env, q url.Values) {
			address, _ := e.begin(t, e.Provider)
			foreign := e.fake.Authorize(t, address)
			q.Set("state", foreign.Get("state"))
			q.Set("code", foreign.Get("code"))
		}, oidc.ErrTransaction},
		"expired": {func(_ *testing.T, e *env, _ url.Values) { e.clock.move(oidc.LoginTime) }, oidc.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			address, tx := e.begin(t, e.Provider)
			query := e.fake.Authorize(t, address)
			tc.change(t, e, query)
			_, err := e.Finish(t.Context(), query, tx)
			wantErr(t, err, tc.want)
			if n := e.net.Count("tenant.example.com/token"); n != 0 {
				t.Errorf("the token endpoint was asked %d times", n)
			}
		})
	}
}

// Class 7: another login's code, with the right state, is the provider's to refuse, and it does.
func TestClass7CodeOfAnotherLogin(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	address, tx := e.begin(t, e.Provider)
	query := e.fake.Authorize(t, address)
	victim, _ := e.begin(t, e.Provider)
	query.Set("code", e.fake.Authorize(t, victim).Get("code"))
	_, err := e.Finish(t.Context(), query, tx)
	wantErr(t, err, oidc.ErrTransaction)
}

// Class 7: the zero Transaction matches no state, not even that of its own bytes.
func TestClass7ZeroTransaction(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	_, err := e.Finish(t.Context(), url.Values{"state": {strings.Repeat("A", 43)}, "code": {"x"}}, oidc.Transaction{})
	wantErr(t, err, oidc.ErrTransaction)
}

// Class 7: a state is good once, also where the first use failed.
func TestClass7Reuse(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*env){
		"after success": func(*env) {},
		"after failure": func(e *env) { e.fake.Claims = map[string]any{"nonce": "other"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			change(e)
			address, tx := e.begin(t, e.Provider)
			query := e.fake.Authorize(t, address)
			_, _ = e.Finish(t.Context(), query, tx)
			_, err := e.Finish(t.Context(), query, tx)
			wantErr(t, err, oidc.ErrReplayed)
			if n := e.net.Count("tenant.example.com/token"); n != 1 {
				t.Errorf("the code was sent %d times", n)
			}
		})
	}
}

// Class 12: what one provider answers is not taken to another.
func TestClass12MixUp(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*env, *oidc.Provider) {
		e := newEnv(t, func(o *oidc.Options) { o.Name = "a" })
		evil := oidctest.New("https://evil.example.com", e.clock.now)
		e.net.Set("evil.example.com", evil)
		return e, e.provider(t, func(o *oidc.Options) { o.Name, o.Issuer = "b", evil.Issuer })
	}
	t.Run("code of A at B", func(t *testing.T) {
		t.Parallel()
		e, b := setup(t)
		address, tx := e.begin(t, e.Provider)
		_, err := b.Finish(t.Context(), e.fake.Authorize(t, address), tx)
		wantErr(t, err, oidc.ErrTransaction)
		if e.net.Count("evil.example.com/token") != 0 {
			t.Error("B got the code of A")
		}
		if tx.Provider() != "a" {
			t.Errorf("the transaction is of %q", tx.Provider())
		}
	})
	t.Run("same name, other application", func(t *testing.T) {
		t.Parallel()
		e, _ := setup(t)
		other := e.provider(t, func(o *oidc.Options) { o.Name, o.ClientID = "a", "client-2" })
		address, tx := e.begin(t, e.Provider)
		_, err := other.Finish(t.Context(), e.fake.Authorize(t, address), tx)
		wantErr(t, err, oidc.ErrTransaction)
	})
	for name, tc := range map[string]struct {
		announced bool
		iss       []string
		want      error
	}{
		"iss of another":          {true, []string{"https://evil.example.com"}, oidc.ErrCallback},
		"iss of another, unasked": {false, []string{"https://evil.example.com"}, oidc.ErrCallback},
		"iss missing":             {true, nil, oidc.ErrCallback},
		"iss with a slash":        {true, []string{issuerURL + "/"}, oidc.ErrCallback},
		"iss twice":               {true, []string{issuerURL, issuerURL}, oidc.ErrCallback},
		"iss right":               {true, []string{issuerURL}, nil},
		"iss right, unasked":      {false, []string{issuerURL}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := setup(t)
			e.fake.Document = map[string]any{"authorization_response_iss_parameter_supported": tc.announced}
			address, tx := e.begin(t, e.Provider)
			query := e.fake.Authorize(t, address)
			query["iss"] = tc.iss
			_, err := e.Finish(t.Context(), query, tx)
			wantErr(t, err, tc.want)
		})
	}
}

// Classes 17 and 22: errors at the callback are told apart, and their text is harmless.
func TestClass17CallbackErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code, description, shown string
		want                     error
	}{
		"denied":         {"access_denied", "User did not authorize", "User did not authorize", oidc.ErrDenied},
		"blocked":        {"unauthorized", "user is blocked", "user is blocked", oidc.ErrDenied},
		"login required": {"login_required", "", "", oidc.ErrDenied},
		"down":           {"temporarily_unavailable", "", "", oidc.ErrUnavailable},
		"server error":   {"server_error", "", "", oidc.ErrUnavailable},
		"bad request":    {"invalid_request", "unknown prompt", "unknown prompt", oidc.ErrMisconfigured},
		"bad scope":      {"invalid_scope", "", "", oidc.ErrMisconfigured},
		"bad object":     {"invalid_request_object", "", "", oidc.ErrMisconfigured},
		"bad address":    {"redirect_uri_mismatch", "", "", oidc.ErrMisconfigured},
		"deleted":        {"deleted_client", "The OAuth client was deleted.", "The OAuth client was deleted.", oidc.ErrMisconfigured},
		"disabled":       {"disabled_client", "", "", oidc.ErrMisconfigured},
		"too many":       {"too_many_requests", "", "", oidc.ErrUnavailable},
		"its own code":   {"tenant.locked-7", "Closed today", "Closed today", oidc.ErrDenied},
		"empty":          {"", "x", "x", oidc.ErrDenied},
		"code with tags": {"<script>", "x", "x", oidc.ErrDenied},
		"odd code":       {"a\r\nlevel=INFO\x1b[31m\u202e", "", "", oidc.ErrDenied},
		"control":        {"access_denied", "a\r\nlevel=INFO \x1b[31mb\u202e\u0000c", "a level=INFO [31mb c", oidc.ErrDenied},
		"not UTF-8":      {"access_denied", "a\xff\xfeb", "a b", oidc.ErrDenied},
		"long":           {"access_denied", strings.Repeat("é", 5000), strings.Repeat("é", 300) + "…", oidc.ErrDenied},
		"long code":      {strings.Repeat("a", 65), "", "", oidc.ErrDenied},
		"huge code":      {strings.Repeat("<", 9000), "", "", oidc.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			address, tx := e.begin(t, e.Provider)
			query := url.Values{"state": e.fake.Authorize(t, address)["state"], "error": {tc.code}, "error_description": {tc.description}}
			_, err := e.Finish(t.Context(), query, tx)
			wantErr(t, err, tc.want)
			refusal := asRefusal(t, err)
			if refusal.Description != tc.shown || len([]rune(refusal.Code)) > 65 || refusal.Code == "" ||
				strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("shown %q", err.Error())
			}
		})
	}
	t.Run("with a foreign state", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, nil)
		_, tx := e.begin(t, e.Provider)
		_, err := e.Finish(t.Context(), url.Values{"state": {"x"}, "error": {"access_denied"}}, tx)
		wantErr(t, err, oidc.ErrTransaction)
	})
}

// While the provider is away, a login that has come back can be finished later.
func TestFinishAfterAnOutage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	address, tx := e.begin(t, e.Provider)
	query := e.fake.Authorize(t, address)
	restarted := e.provider(t, nil)
	e.net.Set("tenant.example.com", nil)
	_, err := restarted.Finish(t.Context(), query, tx)
	wantErr(t, err, oidc.ErrUnavailable)
	e.net.Set("tenant.example.com", e.fake)
	e.clock.move(10 * time.Second)
	if _, err := restarted.Finish(t.Context(), query, tx); err != nil {
		t.Fatal(err)
	}
}
