package oidc

// meaning is what a code that a provider answers stands for: which error it is, and what whoever runs the app can do
// about it.
type meaning struct {
	class  error
	advice string
}

// meanings are the codes that providers are known to answer: of OAuth 2.0 (RFC 6749, 8628 and 8707) and OpenID Connect
// Core, and of Auth0, Authelia, Entra ID, GitHub, Google and Slack; and what others call an account that is closed.
func meanings() map[string]meaning {
	var (
		client   = meaning{ErrMisconfigured, "check the client id and the client secret"}
		grants   = meaning{ErrMisconfigured, "allow the application at the provider to log people in by authorization code"}
		address  = meaning{ErrMisconfigured, "check the callback address that is registered with the provider"}
		request  = meaning{ErrMisconfigured, "look at the provider's own log for what it expects of the application"}
		scope    = meaning{ErrMisconfigured, "check the scope that is asked for"}
		audience = meaning{ErrMisconfigured, "check the audience that is asked for"}
		later    = meaning{ErrUnavailable, "try again later"}
		somebody = meaning{ErrDenied, "look at the provider's own log for the account"}
		again    = meaning{ErrDenied, "log in again"}
	)
	return map[string]meaning{
		"invalid_client": client, "deleted_client": client, "disabled_client": client,
		"unauthorized_client": grants, "unsupported_grant_type": grants, "unsupported_response_type": grants,
		"invalid_request": address, "redirect_uri_mismatch": address,
		"invalid_request_uri": request, "invalid_request_object": request, "request_not_supported": request,
		"request_uri_not_supported": request, "registration_not_supported": request,
		"invalid_scope": scope, "invalid_target": audience, "invalid_resource": audience,
		"server_error": later, "temporarily_unavailable": later, "too_many_requests": later, "slow_down": later,
		"access_denied": somebody, "unauthorized": somebody, "too_many_attempts": somebody,
		"admin_policy_enforced": somebody, "account_inactive": somebody, "account_disabled": somebody, "account_locked": somebody,
		"user_disabled": somebody,
		"invalid_grant": again, "login_required": again, "interaction_required": again, "mfa_required": again,
		"consent_required": again, "account_selection_required": again,
		"invalid_token": again, "expired_token": again, "token_expired": again, "token_inactive": again, "invalid_refresh_token": again,
		"bad_refresh_token": again, "token_revoked": again,
	}
}

// Advice is what whoever runs the app can do about the code, in our words; empty where we do not know.
func (r *Refusal) Advice() string { return meanings()[r.Code].advice }

// class is the sentinel that the code belongs to.
func (r *Refusal) class() error {
	known, ok := meanings()[r.Code]
	switch {
	case ok:
		return known.class
	case r.atCallback:
		return ErrDenied
	default:
		return ErrUnavailable
	}
}

// tokenRefusal is an error of the token endpoint. That has been sent the client secret, a code or a refresh token, and
// may echo any of it, in the code too: only a known one is repeated, and the description never (security class 22).
func tokenRefusal(code string) *Refusal {
	if _, ok := meanings()[code]; !ok {
		code = "unknown_error"
	}
	return &Refusal{Code: code}
}
