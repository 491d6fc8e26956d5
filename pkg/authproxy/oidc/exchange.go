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

// Ways to present the client secret, as discovery names them.
const (
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
)

// tokenAnswer is what the token endpoint answers. ExpiresIn is a number, and a string at some providers.
type tokenAnswer struct {
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	IDToken      string          `json:"id_token"`
	RefreshToken string          `json:"refresh_token"`
	ExpiresIn    json.RawMessage `json:"expires_in"`
	Error        string          `json:"error"`
}

// redeem sends a grant to the token endpoint. A provider that announces both ways to present the secret may accept
// only the one that the application is registered with; it says so before it looks at the grant, so that the other
// can be tried, and is remembered.
func (p *Provider) redeem(ctx context.Context, m *metadata, grant url.Values) (tokenAnswer, error) {
	basicToo := len(m.ClientAuth) == 0 || slices.Contains(m.ClientAuth, authBasic)
	postToo := slices.Contains(m.ClientAuth, authPost)
	post := postToo && (!basicToo || p.usePost.Load())
	answer, err := p.send(ctx, m.Token, grant, post)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == "invalid_client" && basicToo && postToo {
		answer, err = p.send(ctx, m.Token, grant, !post)
		if err == nil {
			p.usePost.Store(!post)
		}
	}
	return answer, err
}

func (p *Provider) send(ctx context.Context, address string, grant url.Values, post bool) (tokenAnswer, error) {
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
		return tokenAnswer{}, err
	}
	if code >= http.StatusInternalServerError || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout {
		return tokenAnswer{}, &statusError{address, code} // whatever else it says, it is not the last word
	}
	var answer tokenAnswer
	err = exactly(body, &answer)
	switch {
	case err == nil && answer.Error != "":
		return tokenAnswer{}, tokenRefusal(answer.Error)
	case code == http.StatusUnauthorized:
		return tokenAnswer{}, tokenRefusal("invalid_client")
	case code != http.StatusOK:
		return tokenAnswer{}, &statusError{address, code}
	case err != nil:
		return tokenAnswer{}, fmt.Errorf("%w: the answer of %s is not the expected JSON", ErrUnavailable, address)
	}
	return answer, nil
}
