package scaffold

import (
	"errors"
	"net"
	"net/url"
	"strings"
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

// IssuerURL completes what people copy from the Auth0 console: a host of auth0.com gets its https://. Another
// issuer must have it; http is for a provider on this machine.
func IssuerURL(typed string) (string, error) {
	if !strings.Contains(typed, "://") && strings.Contains(hostPart(typed), ".auth0.com") {
		typed = "https://" + typed
	}
	u, err := url.Parse(typed)
	switch {
	case err == nil && u.Scheme == "http" && isLoopback(u.Hostname()):
		return typed, nil
	case err != nil || u.Scheme != "https" || u.Host == "":
		return "", errors.New("the issuer must start with https://, such as https://tenant.us.auth0.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the issuer must hold no user, query or fragment")
	}
	return typed, nil
}

func hostPart(text string) string {
	host, _, _ := strings.Cut(text, "/")
	return host
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Registration is what must be entered at the provider, exactly, before the login works.
type Registration struct {
	Callbacks []string `json:"callback_urls"`
	Logouts   []string `json:"logout_urls"`
}

// Register lists the URLs of a project: below baseURL where it has an address of its own, else below both
// domains of the service, as a project may be on either. postLogout is added where it is set.
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
