package oidc

import (
	"net/url"
	"strings"
)

// maxHint is the size in bytes up to which an ID token goes into an address.
const maxHint = 4 << 10

// LogoutURL returns where a browser ends the provider's own session, to come back to returnTo, an absolute URL
// that has to be registered there. It is false where the provider has no such place, or has not been found yet:
// then only the session here ends. It never waits. idToken may be empty.
func (p *Provider) LogoutURL(idToken, returnTo string) (string, bool) {
	m := p.discovery.found.Load()
	if m != nil && m.EndSession != "" {
		query := url.Values{"client_id": {p.options.ClientID}}
		if returnTo != "" {
			query.Set("post_logout_redirect_uri", returnTo)
		}
		if idToken != "" && len(idToken) <= maxHint {
			query.Set("id_token_hint", idToken)
		}
		address, err := withQuery(m.EndSession, query)
		return address, err == nil
	}
	if !p.isAuth0(m) {
		return "", false
	}
	query := url.Values{"client_id": {p.options.ClientID}}
	if returnTo != "" {
		query.Set("returnTo", returnTo)
	}
	return p.discovery.issuer + "/v2/logout?" + query.Encode(), true
}

// isAuth0 reports whether the issuer is Auth0, which may announce no end-session endpoint: by its name, or, on a
// custom domain, by where its endpoints are.
func (p *Provider) isAuth0(m *metadata) bool {
	u, err := url.Parse(p.discovery.issuer)
	if err != nil {
		return false
	}
	return strings.HasSuffix(u.Hostname(), ".auth0.com") ||
		m != nil && m.Authorization == p.discovery.issuer+"/authorize" && m.Token == p.discovery.issuer+"/oauth/token"
}
