package devidp

import (
	"net/http"

	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// token exchanges a code or a refresh token.
func (e *endpoints) token(w http.ResponseWriter, r *http.Request) {
	answer, err := e.exchange(r)
	if err != nil {
		refusal := oidc.DefaultToServerError(err, "the development login has failed")
		e.log.Warn("dev login refuses a token", "reason", string(refusal.ErrorType), "detail", refusal.Description)
		op.RequestError(w, r, err, e.Logger())
		return
	}
	httphelper.MarshalJSON(w, answer)
}

func (e *endpoints) exchange(r *http.Request) (*oidc.AccessTokenResponse, error) {
	switch r.FormValue("grant_type") {
	case string(oidc.GrantTypeCode):
		asked, err := op.ParseAccessTokenRequest(r, e.Decoder())
		if err != nil {
			return nil, err
		}
		found, client, err := op.ValidateAccessTokenRequest(r.Context(), asked, e)
		if err != nil {
			return nil, err
		}
		return e.issue(r, found, client)
	case string(oidc.GrantTypeRefreshToken):
		asked, err := op.ParseRefreshTokenRequest(r, e.Decoder())
		if err != nil {
			return nil, err
		}
		found, client, err := op.ValidateRefreshTokenRequest(r.Context(), asked, e)
		if err != nil {
			return nil, err
		}
		return e.issue(r, found, client)
	}
	return nil, oidc.ErrUnsupportedGrantType()
}

// issue makes the tokens of a grant. As with Auth0 the access token is a JWT only where it is for somebody, and the
// ID token is for the application alone: the library would give both the same audience.
func (e *endpoints) issue(r *http.Request, request op.IDTokenRequest, client op.Client) (*oidc.AccessTokenResponse, error) {
	g, err := grantOf(request)
	if err != nil {
		return nil, err
	}
	id, refresh, expires, err := e.store.newTokens(*g)
	if err != nil {
		return nil, err
	}
	var access string
	if g.audience != "" {
		access, err = op.CreateJWT(r.Context(), e.issuer, forAudience{g}, expires, id, client, e.store)
	} else {
		access, err = op.CreateBearerToken(id, g.GetSubject(), e.Crypto())
	}
	if err != nil {
		return nil, err
	}
	idToken, err := op.CreateIDToken(r.Context(), e.issuer, request, client.IDTokenLifetime(), access, "", e.store, client)
	if err != nil {
		return nil, err
	}
	return &oidc.AccessTokenResponse{
		AccessToken: access, IDToken: idToken, RefreshToken: refresh, TokenType: oidc.BearerToken,
		ExpiresIn: uint64(tokenLife.Seconds()), Scope: g.scopes,
	}, nil
}
