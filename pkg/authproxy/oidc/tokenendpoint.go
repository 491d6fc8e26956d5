package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Ways to send the client secret, as discovery names them.
const (
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
)

// tokenResponse is the response of the token endpoint. ExpiresIn is a number, or a string at some providers.
type tokenResponse struct {
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	IDToken      string          `json:"id_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"`
	Error        string          `json:"error"`
}

// redeem sends a grant to the token endpoint. A provider that announces both ways to send the secret may accept only the
// one that the application is registered for. It checks that before the grant, so the other way can be tried, and is
// remembered.
func (p *Provider) redeem(ctx context.Context, m *metadata, grant url.Values) (tokenResponse, error) {
	basicToo := len(m.ClientAuth) == 0 || slices.Contains(m.ClientAuth, authBasic)
	postToo := slices.Contains(m.ClientAuth, authPost)
	post := postToo && (!basicToo || p.usePost.Load())
	response, err := p.send(ctx, m.Token, grant, post)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == "invalid_client" && basicToo && postToo {
		response, err = p.send(ctx, m.Token, grant, !post)
		if err == nil {
			p.usePost.Store(!post)
		}
	}
	return response, err
}

func (p *Provider) send(ctx context.Context, address string, grant url.Values, post bool) (tokenResponse, error) {
	form := url.Values{}
	for name, values := range grant {
		form[name] = values
	}
	auth := &basic{p.options.ClientID, p.options.ClientSecret}
	if post {
		form.Set("client_id", p.options.ClientID)
		form.Set("client_secret", p.options.ClientSecret)
		auth = nil
	}
	code, body, err := p.call.post(ctx, address, form, auth)
	if err != nil {
		return tokenResponse{}, err
	}
	if code >= http.StatusInternalServerError || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout {
		return tokenResponse{}, &statusError{address, code} // whatever the body says, a later attempt may succeed
	}
	var response tokenResponse
	err = decodeExact(body, &response)
	switch {
	case err == nil && response.Error != "":
		return tokenResponse{}, tokenRefusal(response.Error)
	case code == http.StatusUnauthorized:
		return tokenResponse{}, tokenRefusal("invalid_client")
	case code != http.StatusOK:
		return tokenResponse{}, &statusError{address, code}
	case err != nil:
		return tokenResponse{}, fmt.Errorf("%w: the response of %s is not the expected JSON", ErrUnavailable, address)
	}
	return response, nil
}
