package devidp

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// application is the only client.
type application struct {
	redirects, postLogout []string
}

var _ op.Client = application{}

func (application) GetID() string                       { return clientID }
func (a application) RedirectURIs() []string            { return a.redirects }
func (a application) PostLogoutRedirectURIs() []string  { return a.postLogout }
func (application) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (application) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (application) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (application) GrantTypes() []oidc.GrantType                             { return grantTypes() }
func (application) LoginURL(id string) string                                { return choosePath + "?id=" + id }
func (application) AccessTokenType() op.AccessTokenType                      { return op.AccessTokenTypeBearer }
func (application) IDTokenLifetime() time.Duration                           { return tokenLife }
func (application) DevMode() bool                                            { return false }
func (application) IsScopeAllowed(scope string) bool                         { return scope == scopeGroups }
func (application) IDTokenUserinfoClaimsAssertion() bool                     { return true }
func (application) ClockSkew() time.Duration                                 { return 0 }
func (application) RestrictAdditionalIdTokenScopes() func([]string) []string { return same }
func (application) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return same
}

func same(scopes []string) []string { return scopes }

func grantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}
