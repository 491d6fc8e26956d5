package oidc

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxHint is the size in bytes up to which an ID token goes into an address.
const maxHint = 4 << 10

// Placeholders in the query of Options.LogoutURL.
const (
	markClient  = "{client_id}"
	markReturn  = "{return_to}"
	markIDToken = "{id_token}"
)

// CheckLogoutURL accepts an address for Options.LogoutURL, and an empty one.
func CheckLogoutURL(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Fragment != "" || u.Opaque != "" || hasControl(address) {
		return errors.New("is not a URL without a fragment, such as https://tenant.example.com/logout")
	}
	if err := checkURL(u); err != nil {
		return err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("has a query that is malformed")
	}
	marks := strings.NewReplacer(markClient, "", markReturn, "", markIDToken, "")
	for _, values := range query {
		for _, value := range values {
			if strings.ContainsAny(marks.Replace(value), "{}") {
				return fmt.Errorf("has braces around something else than %s, %s or %s", markClient[1:len(markClient)-1],
					markReturn[1:len(markReturn)-1], markIDToken[1:len(markIDToken)-1])
			}
		}
	}
	if strings.ContainsAny(u.Path, "{}") {
		return errors.New("has braces outside of its query")
	}
	return nil
}

// The parameters that tell providers where to send the browser afterwards.
const (
	backStandard = "post_logout_redirect_uri" // OpenID Connect RP-Initiated Logout, 2
	backCognito  = "logout_uri"
	backAuth0    = "returnTo"
)

// LogoutURL returns the URL at which a browser ends the provider's own session, and then returns to returnTo, an
// absolute URL that has to be registered there. It is false where the provider has no such URL, or has not been found
// yet: then only the session here ends. It never waits. idToken may be empty.
func (p *Provider) LogoutURL(idToken, returnTo string) (string, bool) {
	if len(idToken) > maxHint {
		idToken = ""
	}
	if strings.Contains(p.options.LogoutURL, "{") {
		return p.filledLogout(idToken, returnTo)
	}
	place, back := p.logoutPlace(p.discovery.found.Load())
	if place == "" {
		return "", false
	}
	query := url.Values{"client_id": {p.options.ClientID}}
	if returnTo != "" {
		query.Set(back, returnTo)
	}
	if idToken != "" && back == backStandard {
		query.Set("id_token_hint", idToken)
	}
	address, err := withQuery(place, query)
	return address, err == nil
}

// logoutPlace returns the provider's logout endpoint, empty where there is none, and the parameter that leads back.
func (p *Provider) logoutPlace(m *metadata) (place, back string) {
	set := p.options.LogoutURL
	switch {
	case p.isCognito(m) && set != "":
		return set, backCognito
	case p.isCognito(m):
		return cognitoLogout(m), backCognito
	case set != "":
		return set, backStandard
	case m != nil && m.EndSession != "":
		return m.EndSession, backStandard
	case p.isAuth0(m):
		return p.discovery.issuer + "/v2/logout", backAuth0
	default:
		return "", ""
	}
}

// filledLogout is Options.LogoutURL with its placeholders replaced. Parameters that become empty are left out.
func (p *Provider) filledLogout(idToken, returnTo string) (string, bool) {
	u, err := url.Parse(p.options.LogoutURL)
	if err != nil {
		return "", false
	}
	fill := strings.NewReplacer(markClient, p.options.ClientID, markReturn, returnTo, markIDToken, idToken)
	query := u.Query()
	for name, values := range query {
		for i, value := range values {
			if values[i] = fill.Replace(value); values[i] == "" && value != "" {
				query.Del(name)
			}
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), true
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

// isCognito reports whether the issuer is Amazon Cognito, whose logout endpoint wants other parameters than OpenID Connect
// has for it (Amazon Cognito user pools: Logout endpoint): by its name, or by where its endpoints are.
func (p *Provider) isCognito(m *metadata) bool {
	u, err := url.Parse(p.discovery.issuer)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if strings.HasPrefix(host, "cognito-idp.") && (strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")) {
		return true
	}
	domain, ok := cognitoDomain(m)
	return ok && m.Userinfo == domain+"/oauth2/userInfo"
}

// cognitoDomain is where people log in at Cognito, which is not where the issuer is.
func cognitoDomain(m *metadata) (string, bool) {
	if m == nil {
		return "", false
	}
	return strings.CutSuffix(m.Authorization, "/oauth2/authorize")
}

// cognitoLogout is the logout endpoint, which not every user pool announces; empty where it is not known.
func cognitoLogout(m *metadata) string {
	domain, ok := cognitoDomain(m)
	switch {
	case m != nil && m.EndSession != "":
		return m.EndSession
	case ok:
		return domain + "/logout"
	default:
		return ""
	}
}
