package authproxy

import (
	"fmt"
	"slices"
	"strings"
)

// The variables. Nothing outside the files of the configuration reads one.
const (
	keyProviders          = "AUTH_PROVIDERS"
	keyClientID           = "AUTH_CLIENT_ID"
	keyClientSecret       = "AUTH_CLIENT_SECRET"
	keyIssuer             = "AUTH_ISSUER_BASE_URL"
	keyAudience           = "AUTH_PARAMS_AUDIENCE"
	keyScope              = "AUTH_PARAMS_SCOPE"
	keyPrompt             = "AUTH_PARAMS_PROMPT"
	keyExtra              = "AUTH_PARAMS_EXTRA"
	keyNameClaim          = "AUTH_NAME_CLAIM"
	keyLogoutURL          = "AUTH_LOGOUT_URL"
	keyTenants            = "AUTH_TENANTS"
	keySecret             = "AUTH_SECRET"
	keyBaseURL            = "AUTH_BASE_URL"
	keyStripBasePath      = "AUTH_STRIP_BASE_PATH"
	keyPostLogoutRedirect = "AUTH_POST_LOGOUT_REDIRECT"
	keyClearSiteData      = "AUTH_CLEAR_SITE_DATA"
	keyAppName            = "AUTH_APP_NAME"
	keyHelpText           = "AUTH_HELP_TEXT"
	keyAllowedEmails      = "AUTH_ALLOWED_EMAILS"
	keyAllowedDomains     = "AUTH_ALLOWED_DOMAINS"
	keyAllowedGroups      = "AUTH_ALLOWED_GROUPS"
	keyGroupsClaim        = "AUTH_GROUPS_CLAIM"
	keyAllowedClaims      = "AUTH_ALLOWED_CLAIMS"
	keyBearerAudience     = "AUTH_BEARER_AUDIENCE"
	keyPasswordMode       = "AUTH_PASSWORD_MODE"
	keyUsersFile          = "AUTH_USERS_FILE"
	keyAnalyticsUsersFile = "AUTH_ANALYTICS_USERS_FILE"
	keyAPIUsersFile       = "AUTH_API_USERS_FILE"
	keyAnalyticsPath      = "AUTH_ANALYTICS_PATH"
	keyAPIPath            = "AUTH_API_PATH"
	keyPublicPaths        = "AUTH_PUBLIC_PATHS"
	keyTrustedProxies     = "AUTH_TRUSTED_PROXIES"
	keySessionIdle        = "AUTH_SESSION_IDLE"
	keySessionLifetime    = "AUTH_SESSION_LIFETIME"
)

// prefixParams begins the variables of the authorization address's parameters.
const prefixParams = "AUTH_PARAMS_"

func usernameKey(f Feature) string { return "username_" + string(f) }
func passwordKey(f Feature) string { return "password_" + string(f) }

// Variables lists every AUTH_* variable that ConfigFrom knows, in the order in which they are shown. Those of a
// provider that AUTH_PROVIDERS names, such as AUTH_GOOGLE_CLIENT_ID, come on top, and AUTH_PARAMS_* of Parameters.
func Variables() []string {
	return []string{
		keyProviders, keyClientID, keyClientSecret, keyIssuer, keyAudience, keyScope, keyPrompt, keyExtra,
		keyNameClaim, keyLogoutURL, keyTenants, keySecret,
		keyBaseURL, keyStripBasePath, keyPostLogoutRedirect, keyClearSiteData, keyAppName, keyHelpText, keyAllowedEmails, keyAllowedDomains, keyAllowedGroups, keyGroupsClaim, keyAllowedClaims,
		keyBearerAudience, keyUsersFile, keyAnalyticsUsersFile, keyAPIUsersFile, keyPasswordMode, keyAnalyticsPath, keyAPIPath, keyPublicPaths, keyTrustedProxies,
		keySessionIdle, keySessionLifetime,
	}
}

// OnlyHere returns the first of the names that says who may come in and that nothing but this proxy knows; empty where
// there is none. The reference platform passes them over and lets in whomever the provider knows.
func OnlyHere(names []string) string {
	only := []string{keyProviders, keyTenants, keyAllowedEmails, keyAllowedDomains, keyAllowedGroups, keyAllowedClaims,
		keyUsersFile, keyAnalyticsUsersFile, keyAPIUsersFile}
	for _, name := range names {
		if slices.Contains(only, name) {
			return name
		}
	}
	return ""
}

// providerVariables lists those that every provider has, as the only one has them.
func providerVariables() []string {
	return append([]string{keyClientID, keyClientSecret, keyIssuer}, optionalVariables()...)
}

// optionalVariables are those of them that may be left out.
func optionalVariables() []string {
	all := []string{keyAudience, keyScope, keyPrompt, keyExtra, keyNameClaim, keyLogoutURL, keyTenants}
	for _, name := range Parameters() {
		all = append(all, parameterKey(name))
	}
	return all
}

// key returns the name that a variable has for this provider: AUTH_GOOGLE_CLIENT_ID for AUTH_CLIENT_ID.
func (p Provider) key(name string) string {
	if p.Name == "" {
		return name
	}
	return "AUTH_" + inVariables(p.Name) + strings.TrimPrefix(name, "AUTH")
}

// inVariables returns a provider's name as it stands in the names of its variables, which shells let have no '-'.
func inVariables(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// unknown reports names that look like ours and are not.
func (r *reader) unknown(providers []Provider) {
	known := append(Variables(), optionalVariables()...)
	for _, p := range providers {
		if p.Name != "" && checkProviderName(p.Name) == nil {
			for _, name := range providerVariables() {
				known = append(known, p.key(name))
			}
		}
	}
	names := slices.Compact(slices.Sorted(slices.Values(r.Names)))
	r.misspeltLogins(names)
	for _, name := range names {
		upper, plain := strings.ToUpper(name), plainName(name)
		like := contains(known, func(one string) bool { return plainName(one) == plain }) // AUTH-SECRET, auth.secret
		if slices.Contains(known, name) || !strings.HasPrefix(name, "AUTH_") && !like {
			continue
		}
		if value, _ := r.Lookup(name); ServiceLink(name, value) {
			continue
		}
		hint, own := hintParameter(upper)
		if near := nearest(upper, known); near != "" && !own {
			hint = fmt.Sprintf("; did you mean %s?", near) + hint
		}
		if provider := ofProvider(upper); provider != "" && r.Places[name] == "" {
			hint += fmt.Sprintf(" (a variable of the provider %s counts once %s lists it)", provider, keyProviders)
		}
		r.wrong.addf(name, "unknown variable%s", hint)
	}
}

// ofProvider returns the name of the provider that a variable would belong to if it were listed, or "".
func ofProvider(variable string) string {
	for _, own := range providerVariables() {
		middle, ok := strings.CutSuffix(variable, strings.TrimPrefix(own, "AUTH"))
		middle, ours := strings.CutPrefix(middle, "AUTH_")
		if name := strings.ToLower(middle); ok && ours && checkProviderName(name) == nil {
			return name
		}
	}
	return ""
}

// nearest returns the known name with the fewest typing errors in it; of names that are all far away one that has the
// whole word in it, or "".
func nearest(name string, known []string) string {
	best, bestDistance := "", len(name)/2
	for _, candidate := range known {
		if d := distance(name, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if word := strings.TrimPrefix(name, "AUTH"); best == "" && len(word) > len("_ID") { // AUTH_SCOPE for AUTH_PARAMS_SCOPE
		if i := slices.IndexFunc(known, func(candidate string) bool { return strings.Contains(candidate, word) }); i >= 0 {
			return known[i]
		}
	}
	return best
}

// distance counts the insertions and deletions between two names. A replacement counts as both, since people
// leave words out of a name more often than they exchange them.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace += 2
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
