package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Parameters lists the further parameters of the authorization address that have a variable of their own: AUTH_PARAMS_ and
// the name in capitals. Every other one goes into AUTH_PARAMS_EXTRA, so that a misspelt name is never taken for one.
func Parameters() []string {
	return []string{
		"acr_values", "authorization_details", "claims", "claims_locales", "display", "login_hint", "max_age", "resource", "ui_locales",
		"connection", "connection_scope", "invitation", "organization", "screen_hint", // Auth0
		"domain_hint",                                 // Entra ID
		"access_type", "hd", "include_granted_scopes", // Google
		"identity_provider", "idp_identifier", "lang", // Amazon Cognito
		"idp", "kc_idp_hint", // Okta, Keycloak
	}
}

func parameterKey(name string) string { return prefixParams + strings.ToUpper(name) }

// ownParameters are those that the login itself sets, or for which there is a setting: with another value it would be no
// safe login any more, or a failing one.
func ownParameters() map[string]string {
	const ours = "is set by the login itself"
	own := map[string]string{"audience": "has the variable " + EnvAudience, "scope": "has the variable " + EnvScope, "prompt": "has the variable " + EnvPrompt}
	for _, name := range []string{"client_id", "client_secret", "code", "code_challenge", "code_challenge_method", "code_verifier",
		"dpop_jkt", "grant_type", "id_token_hint", "iss", "nonce", "redirect_uri", "registration", "request", "request_uri",
		"response_mode", "response_type", "state"} {
		own[name] = ours
	}
	return own
}

const (
	maxParameters      = 32
	maxParametersBytes = 2 << 10 // of all, as a query
)

// parameters reads the further parameters of a provider's authorization address, as a query.
func (r *reader) parameters(p Provider) string {
	all := url.Values{}
	for _, name := range Parameters() {
		if value := r.text(p.Key(parameterKey(name))); value != "" {
			all.Set(name, value)
		}
	}
	extra := p.Key(EnvExtra)
	text := r.text(extra)
	others, err := url.ParseQuery(text)
	if err != nil {
		r.wrong.addf(extra, "is not a query such as tenant=x&theme=dark")
		return all.Encode()
	}
	for name, values := range others {
		if all.Has(name) {
			r.wrong.addf(extra, "sets %s, and so does %s", name, p.Key(parameterKey(name)))
		}
		all[name] = append(all[name], values...)
	}
	return all.Encode()
}

// checkParameters refuses what would change the login itself.
func (p Provider) checkParameters(m *mistakes) {
	all, err := url.ParseQuery(p.Params)
	if err != nil {
		m.addf(p.Key(EnvExtra), "is not a query such as tenant=x&theme=dark")
		return
	}
	own, count := ownParameters(), 0
	for name, values := range all {
		key := p.Key(EnvExtra)
		if slices.Contains(Parameters(), name) {
			key = p.Key(parameterKey(name))
		}
		if why, ok := own[strings.ToLower(name)]; ok {
			m.addf(key, "%s %s", strings.ToLower(name), why)
			continue
		}
		if err := checkParameterName(name); err != nil {
			m.addf(key, "%w", err)
		}
		for _, value := range values {
			count++
			if err := checkText(value); err != nil {
				m.addf(key, "%w", err)
			}
		}
	}
	if age := all.Get("max_age"); all.Has("max_age") && (len(all["max_age"]) > 1 || !isSeconds(age)) {
		m.addf(p.Key(parameterKey("max_age")), "must be a number of seconds")
	}
	if count > maxParameters || len(p.Params) > maxParametersBytes {
		m.addf(p.Key(EnvExtra), "there are more than %d parameters, or more than %d bytes of them", maxParameters, maxParametersBytes)
	}
}

func checkParameterName(name string) error {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_-.:", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, odd) {
		return errors.New("a parameter's name must be 1 to 64 letters, digits or any of _-.: and nothing else")
	}
	return nil
}

// isSeconds accepts a number of seconds of at most nine digits.
func isSeconds(text string) bool {
	return text != "" && len(text) <= 9 && strings.Trim(text, "0123456789") == ""
}

// parameterSettings are the variables that hold the parameters.
func (p Provider) parameterSettings() []Setting {
	all, _ := url.ParseQuery(p.Params) // checked
	var list []Setting
	for _, name := range Parameters() {
		if values := all[name]; len(values) == 1 && values[0] != "" {
			list = append(list, Setting{p.Key(parameterKey(name)), values[0]})
			all.Del(name)
		}
	}
	if len(all) > 0 {
		list = append(list, Setting{p.Key(EnvExtra), all.Encode()})
	}
	return list
}

// hintParameter says where a parameter belongs whose variable is not known; empty for every other variable. own tells that
// nobody may set it.
func hintParameter(variable string) (hint string, own bool) {
	infix := strings.TrimPrefix(prefixParams, "AUTH")
	before, name, ok := strings.Cut(variable, infix)
	if !ok || name == "" || !strings.HasPrefix(before, "AUTH") {
		return "", false
	}
	name = strings.ToLower(name)
	if why, own := ownParameters()[name]; own {
		return fmt.Sprintf(" (%s %s)", name, why), true
	}
	return fmt.Sprintf(" (a parameter of your provider's own goes into %s%sEXTRA, as %s=VALUE)", before, infix, name), false
}
