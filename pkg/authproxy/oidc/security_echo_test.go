package oidc_test

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net"
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
			e := newEnv(t, nil)
			e.fake.Document = map[string]any{"token_endpoint_auth_methods_supported": methods}
			e.fake.Handle["/token"] = func(rw http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				oidctest.WriteJSON(rw, http.StatusBadRequest, map[string]any{"error": code,
					"error_description": "you sent " + r.Header.Get("Authorization") + " " + r.PostForm.Encode()})
			}
			_, err := e.Refresh(t.Context(), oidc.Tokens{AccessToken: "a", RefreshToken: refreshToken})
			wantErr(t, err, want)
			refusal := asRefusal(t, err)
			said := err.Error() + refusal.Code + refusal.Description + refusal.Hint()
			if slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(said, s) }) || strings.Contains(said, "you sent") {
				t.Errorf("%s of %v: %s", code, methods, said)
			}
			if known := refusal.Code == code; known != (refusal.Hint() != "") {
				t.Errorf("%s of %v is told as %q with the advice %q", code, methods, refusal.Code, refusal.Hint())
			}
		}
	}
}

// Class 22: neither errors nor the log show what an endpoint of a provider responds, since others may read them.
func TestClass22AnswersAreNotShown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no HTTP":            "{\"token\": \"canary\"}\r\n\r\n",
		"no status":          "HTTP/1.1 canary\r\n\r\n",
		"malformed header":   "HTTP/1.1 200 OK\r\nSet-Cookie : canary\r\n\r\n",
		"no header":          "HTTP/1.1 200 OK\r\ncanary\r\n\r\n",
		"error page":         "HTTP/1.1 500 canary\r\nContent-Length: 6\r\n\r\ncanary",
		"no JSON":            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary",
		"another JSON":       "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[\"canary\"]",
		"redirect":           "HTTP/1.1 302 Found\r\nLocation: https://other.example/?code=canary\r\nContent-Length: 0\r\n\r\n",
		"redirect nowhere":   "HTTP/1.1 302 Found\r\nLocation: :canary\r\nContent-Length: 0\r\n\r\n",
		"redirect to itself": "HTTP/1.1 302 Found\r\nLocation: /?code=canary\r\nContent-Length: 0\r\n\r\n",
		"broken encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: canary\r\n\r\n",
		"broken chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := must(net.Listen("tcp", "127.0.0.1:0"))
			t.Cleanup(func() { _ = l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
						_, _ = io.WriteString(c, answer)
					}
					_ = c.Close()
				}
			}()
			e := newEnv(t, nil)
			p := must(oidc.New(oidc.Options{Issuer: "http://" + l.Addr().String(), ClientID: "c", ClientSecret: "s", RedirectURL: callbackURL,
				Now: e.clock.now, Random: rand.Reader, Log: e.logger}))
			t.Cleanup(p.Close)
			err := p.Ready(t.Context())
			wantErr(t, err, oidc.ErrUnavailable)
			if said := err.Error() + e.log.String(); strings.Contains(said, "canary") || !strings.Contains(said, l.Addr().String()) {
				t.Errorf("said: %s", said)
			}
		})
	}
}
