package oidc_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// Class 22: the token endpoint knows the secret, codes and refresh tokens. An error that came of it repeats a code that
// everybody knows, and nothing else that it said.
func TestClass22TokenEndpointEchoes(t *testing.T) {
	t.Parallel()
	const refreshToken = "refresh-1"
	pair := url.QueryEscape(oidctest.ClientID) + ":" + url.QueryEscape(oidctest.ClientSecret)
	secrets := []string{oidctest.ClientSecret, url.QueryEscape(oidctest.ClientSecret), base64.StdEncoding.EncodeToString([]byte(pair)), refreshToken}
	for _, methods := range [][]string{{"client_secret_basic"}, {"client_secret_post"}} {
		for code, want := range map[string]error{
			"invalid_request": oidc.ErrMisconfigured, "invalid_client": oidc.ErrMisconfigured, "invalid_grant": oidc.ErrDenied,
			"deleted_client": oidc.ErrMisconfigured, "mfa_required": oidc.ErrDenied, "slow_down": oidc.ErrUnavailable,
			"access_denied": oidc.ErrDenied, "server_error": oidc.ErrUnavailable, "of_its_own": oidc.ErrUnavailable,
			refreshToken: oidc.ErrUnavailable, oidctest.ClientSecret: oidc.ErrUnavailable,
		} {
			w := newWorld(t, nil)
			w.fake.Document = map[string]any{"token_endpoint_auth_methods_supported": methods}
			w.fake.Handle["/token"] = func(rw http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				oidctest.WriteJSON(rw, http.StatusBadRequest, map[string]any{"error": code,
					"error_description": "you sent " + r.Header.Get("Authorization") + " " + r.PostForm.Encode()})
			}
			_, err := w.Refresh(t.Context(), oidc.Tokens{AccessToken: "a", RefreshToken: refreshToken})
			wantErr(t, err, want)
			refusal := asRefusal(t, err)
			said := err.Error() + refusal.Code + refusal.Description + refusal.Advice()
			if slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(said, s) }) || strings.Contains(said, "you sent") {
				t.Errorf("%s of %v: %s", code, methods, said)
			}
			if known := refusal.Code == code; known != (refusal.Advice() != "") {
				t.Errorf("%s of %v is told as %q with the advice %q", code, methods, refusal.Code, refusal.Advice())
			}
		}
	}
}
