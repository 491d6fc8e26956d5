package oidc

// errorCode is the meaning of a code that a provider reports: its sentinel error, and what the operator can do about it.
type errorCode struct {
	sentinel error
	hint     string
}

// errorCodes are the known codes: of OAuth 2.0 (RFC 6749, 8628 and 8707), OpenID Connect Core, Auth0, Authelia,
// Entra ID, GitHub, Google and Slack, and those of other providers for closed accounts.
func errorCodes() map[string]errorCode {
	var (
		client   = errorCode{ErrMisconfigured, "check the client id and the client secret"}
		grants   = errorCode{ErrMisconfigured, "allow the application at the provider to log people in by authorization code"}
		address  = errorCode{ErrMisconfigured, "check the callback address that is registered with the provider"}
		request  = errorCode{ErrMisconfigured, "look at the provider's own log for what it expects of the application"}
		scope    = errorCode{ErrMisconfigured, "check the scope that is asked for"}
		audience = errorCode{ErrMisconfigured, "check the audience that is asked for"}
		later    = errorCode{ErrUnavailable, "try again later"}
		account  = errorCode{ErrDenied, "look at the provider's own log for the account"}
		again    = errorCode{ErrDenied, "log in again"}
	)
	return map[string]errorCode{
		"invalid_client": client, "deleted_client": client, "disabled_client": client,
		"unauthorized_client": grants, "unsupported_grant_type": grants, "unsupported_response_type": grants,
		"invalid_request": address, "redirect_uri_mismatch": address,
		"invalid_request_uri": request, "invalid_request_object": request, "request_not_supported": request,
		"request_uri_not_supported": request, "registration_not_supported": request,
		"invalid_scope": scope, "invalid_target": audience, "invalid_resource": audience,
		"server_error": later, "temporarily_unavailable": later, "too_many_requests": later, "slow_down": later,
		"access_denied": account, "unauthorized": account, "too_many_attempts": account,
		"admin_policy_enforced": account, "account_inactive": account, "account_disabled": account, "account_locked": account,
		"user_disabled": account,
		"invalid_grant": again, "login_required": again, "interaction_required": again, "mfa_required": again,
		"consent_required": again, "account_selection_required": again,
		"invalid_token": again, "expired_token": again, "token_expired": again, "token_inactive": again, "invalid_refresh_token": again,
		"bad_refresh_token": again, "token_revoked": again,
	}
}

// Hint is what the operator can do about the code; empty for an unknown one.
func (r *Refusal) Hint() string { return errorCodes()[r.Code].hint }

// sentinel is the sentinel error that the code belongs to.
func (r *Refusal) sentinel() error {
	known, ok := errorCodes()[r.Code]
	switch {
	case ok:
		return known.sentinel
	case r.atCallback:
		return ErrDenied
	default:
		return ErrUnavailable
	}
}

// tokenRefusal is an error of the token endpoint. The request held the client secret and a code or refresh token, which
// the response may echo, even as the code: only known codes are repeated, and the description never (security class 22).
func tokenRefusal(code string) *Refusal {
	if _, ok := errorCodes()[code]; !ok {
		code = "unknown_error"
	}
	return &Refusal{Code: code}
}
