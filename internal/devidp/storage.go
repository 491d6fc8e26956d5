package devidp

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What the library asks of a storage. The rest of the interface is for endpoints that are not served.

var (
	_ op.Storage                        = (*store)(nil)
	_ op.CanSetUserinfoFromRequest      = (*store)(nil)
	_ op.CanGetPrivateClaimsFromRequest = (*store)(nil)
)

// audienceKey is under which the authorization endpoint hands over the parameter that the library does not know.
type audienceKey struct{}

// CreateAuthRequest keeps a request whose client and redirect URI the library has checked. It demands what the
// library leaves open.
func (s *store) CreateAuthRequest(ctx context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	const s256Length = 43 // characters of a SHA-256 in base64url
	switch {
	case asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || len(asked.CodeChallenge) != s256Length:
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE is needed: a code_challenge with the method S256")
	case !slices.Contains(asked.Scopes, oidc.ScopeOpenID):
		return nil, oidc.ErrInvalidScope().WithDescription("the scope lacks openid")
	case asked.ResponseMode != "" && asked.ResponseMode != oidc.ResponseModeQuery:
		asked.ResponseMode = "" // the refusal goes the usual way
		return nil, oidc.ErrInvalidRequest().WithDescription("the only response_mode is query")
	}
	id, err := s.draw()
	if err != nil {
		return nil, err
	}
	audience, _ := ctx.Value(audienceKey{}).(string)
	r := &authRequest{id: id, asked: *asked, grant: grant{scopes: asked.Scopes, audience: audience}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.put(id, r)
	return r, nil
}

// AuthRequestByID returns a request whose page may still be open.
func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	r, err := s.request(id)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// SaveAuthCode turns a request into a code, once.
func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests.take(id)
	if !ok || !r.done {
		return errGone
	}
	s.codes.put(code, r)
	return nil
}

// AuthRequestByCode redeems a code. It is gone whatever comes of it: a code that somebody else tried is spoilt.
func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.codes.take(code); ok {
		return r, nil
	}
	return nil, errGone
}

// DeleteAuthRequest has nothing to do: a code takes its request with it.
func (s *store) DeleteAuthRequest(context.Context, string) error { return nil }

// TokenRequestByRefreshToken redeems a refresh token: each is good once.
func (s *store) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, ok := s.refresh.take(token); ok {
		return &refreshRequest{g}, nil
	}
	return nil, op.ErrInvalidRefreshToken
}

// SetUserinfoFromRequest fills the ID token.
func (s *store) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	g, err := grantOf(r)
	if err != nil {
		return err
	}
	describe(info, g, scopes)
	info.AppendClaims("sid", g.session.id)
	return nil
}

// SetUserinfoFromToken fills the answer of the userinfo endpoint.
func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, _, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.access.get(tokenID)
	if !ok {
		return oidc.ErrAccessDenied().WithDescription("the access token has ended")
	}
	describe(info, &g, g.scopes)
	return nil
}

// describe says about a person what the scopes allow. Groups need none: with most providers they come by a rule of
// the tenant.
func describe(info *oidc.UserInfo, g *grant, scopes []string) {
	u := g.session.user
	info.Subject = u.subject()
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name = u.shown()
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email, info.EmailVerified = u.Email, true
	}
	if len(u.Groups) > 0 {
		info.AppendClaims(scopeGroups, u.Groups)
	}
}

// GetPrivateClaimsFromRequest fills an access token that is a JWT. The e-mail and the groups are there so that
// rules for programs can be tried.
func (s *store) GetPrivateClaimsFromRequest(_ context.Context, r op.TokenRequest, _ []string) (map[string]any, error) {
	g, err := grantOf(r)
	if err != nil {
		return nil, err
	}
	u := g.session.user
	c := map[string]any{"scope": oidc.SpaceDelimitedArray(g.scopes).String(), "azp": clientID, "email": u.Email, "email_verified": true}
	if len(u.Groups) > 0 {
		c[scopeGroups] = u.Groups
	}
	return c, nil
}

func grantOf(r any) (*grant, error) {
	switch r := r.(type) {
	case *authRequest:
		return &r.grant, nil
	case *refreshRequest:
		return &r.grant, nil
	case forAudience:
		return r.grant, nil
	}
	return nil, errors.ErrUnsupported
}

// SigningKey signs tokens.
func (s *store) SigningKey(context.Context) (op.SigningKey, error) {
	return signingKey{s.keyID, s.key}, nil
}

// SignatureAlgorithms are those of ID tokens.
func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet is the public half.
func (s *store) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{signingKey{s.keyID, s.key.Public()}}, nil
}

// SetUserinfoFromScopes is superseded by SetUserinfoFromRequest, and called all the same.
func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// CreateAccessToken is not used: see endpoints.token.
func (s *store) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return "", time.Time{}, errors.ErrUnsupported
}

// CreateAccessAndRefreshTokens is not used: see endpoints.token.
func (s *store) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errors.ErrUnsupported
}

// TerminateSession is not used: see endpoints.end.
func (s *store) TerminateSession(context.Context, string, string) error { return errors.ErrUnsupported }

// RevokeToken is of an endpoint that is not served.
func (s *store) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrServerError()
}

// GetRefreshTokenInfo is of an endpoint that is not served.
func (s *store) GetRefreshTokenInfo(context.Context, string, string) (userID, tokenID string, err error) {
	return "", "", errors.ErrUnsupported
}

// SetIntrospectionFromToken is of an endpoint that is not served.
func (s *store) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errors.ErrUnsupported
}

// GetPrivateClaimsFromScopes is superseded by GetPrivateClaimsFromRequest.
func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, errors.ErrUnsupported
}

// GetKeyByIDAndClientID is for clients that sign what they send.
func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errors.ErrUnsupported
}

// ValidateJWTProfileScopes is for clients that sign what they send.
func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

// Health is of an endpoint that is not served.
func (s *store) Health(context.Context) error { return nil }
