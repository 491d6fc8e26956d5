package oidc

// Advice is what whoever runs the app can do about the code, in our words; empty where we do not know.
func (r *Refusal) Advice() string { return advice()[r.Code] }

// advice says for each code that a provider is known to answer what to do about it.
func advice() map[string]string {
	const (
		client     = "check the client id and the client secret"
		grants     = "allow the application at the provider to log people in by authorization code"
		request    = "check the callback address that is registered with the provider"
		scope      = "check the scope that is asked for"
		audience   = "check the audience that is asked for"
		later      = "try again later"
		somebody   = "look at the provider's own log for the account"
		loginAgain = "log in again"
	)
	return map[string]string{
		"invalid_client": client, "deleted_client": client, "disabled_client": client,
		"unauthorized_client": grants, "unsupported_grant_type": grants, "unsupported_response_type": grants,
		"invalid_request": request, "redirect_uri_mismatch": request,
		"invalid_scope": scope, "invalid_target": audience,
		"server_error": later, "temporarily_unavailable": later, "too_many_requests": later, "slow_down": later,
		"access_denied": somebody, "unauthorized": somebody, "mfa_required": somebody, "too_many_attempts": somebody,
		"invalid_grant": loginAgain, "login_required": loginAgain, "interaction_required": loginAgain,
		"consent_required": loginAgain, "account_selection_required": loginAgain,
	}
}

// tokenRefusal is an error of the token endpoint. That has been sent the client secret, a code or a refresh token, and
// may echo any of it, in the code too: only a known one is repeated, and the description never (security class 22).
func tokenRefusal(code string) *Refusal {
	if advice()[code] == "" {
		code = "unknown_error"
	}
	return &Refusal{Code: code}
}
