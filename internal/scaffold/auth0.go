package scaffold

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// The variables of the Auth0 template, as the deployed login reads them.
const (
	ClientID           = "AUTH_CLIENT_ID"
	ClientSecret       = "AUTH_CLIENT_SECRET"
	Issuer             = "AUTH_ISSUER_BASE_URL"
	SessionSecret      = "AUTH_SECRET"
	BaseURL            = "AUTH_BASE_URL"
	PostLogoutRedirect = "AUTH_POST_LOGOUT_REDIRECT"
)

// TypedIssuer completes what users copy from the Auth0 console: a host of auth0.com gets its https://. Any other
// issuer must begin with it, as the reference tool also requires; http is only allowed for a provider on this
// machine.
func TypedIssuer(typed string) (string, error) {
	host, _, _ := strings.Cut(typed, "/")
	if !strings.Contains(typed, "://") && !strings.Contains(host, ".auth0.com") {
		return "", errors.New("the issuer must start with https://, such as https://tenant.us.auth0.com")
	}
	return IssuerURL(typed)
}

// IssuerURL completes an issuer from a flag or the environment: https:// may be omitted. It accepts what the login
// accepts, which completes it in the same way.
func IssuerURL(given string) (string, error) {
	given = strings.TrimSpace(given)
	if _, err := oidc.NormalIssuer(given); err != nil {
		return "", fmt.Errorf("the issuer %w", err)
	}
	if !strings.Contains(given, "://") {
		given = "https://" + given
	}
	return given, nil
}

// Registration is what must be registered at the provider, exactly as given, before the login works.
type Registration struct {
	Callbacks []string `json:"callback_urls"`
	Logouts   []string `json:"logout_urls"`
}

// Register lists the URLs of a project: below baseURL if it has an address of its own, otherwise below both
// domains of the service, since a project may be on either. postLogout is added if set.
func Register(projectID, baseURL, postLogout string) Registration {
	bases := []string{"https://" + projectID + ".ploomber.app", "https://" + projectID + ".ploomberapp.io"}
	if baseURL != "" {
		bases = []string{strings.TrimRight(baseURL, "/")}
	}
	var r Registration
	for _, b := range bases {
		r.Callbacks = append(r.Callbacks, b+"/callback")
		r.Logouts = append(r.Logouts, b+"/status")
	}
	if postLogout != "" {
		r.Logouts = append(r.Logouts, postLogout)
	}
	return r
}
