package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
	"github.com/ploomber/ploomber-cloud/pkg/spelling"
)

// The variables. Nothing outside of this package reads one.
const (
	EnvProviders          = "AUTH_PROVIDERS"
	EnvClientID           = "AUTH_CLIENT_ID"
	EnvClientSecret       = "AUTH_CLIENT_SECRET"
	EnvIssuer             = "AUTH_ISSUER_BASE_URL"
	EnvAudience           = "AUTH_PARAMS_AUDIENCE"
	EnvScope              = "AUTH_PARAMS_SCOPE"
	EnvPrompt             = "AUTH_PARAMS_PROMPT"
	EnvExtra              = "AUTH_PARAMS_EXTRA"
	EnvNameClaim          = "AUTH_NAME_CLAIM"
	EnvLogoutURL          = "AUTH_LOGOUT_URL"
	EnvTenants            = "AUTH_TENANTS"
	EnvSecret             = "AUTH_SECRET"
	EnvBaseURL            = "AUTH_BASE_URL"
	EnvStripBasePath      = "AUTH_STRIP_BASE_PATH"
	EnvPostLogoutRedirect = "AUTH_POST_LOGOUT_REDIRECT"
	EnvClearSiteData      = "AUTH_CLEAR_SITE_DATA"
	EnvAppName            = "AUTH_APP_NAME"
	EnvHelpText           = "AUTH_HELP_TEXT"
	EnvAllowedEmails      = "AUTH_ALLOWED_EMAILS"
	EnvAllowedDomains     = "AUTH_ALLOWED_DOMAINS"
	EnvAllowedGroups      = "AUTH_ALLOWED_GROUPS"
	EnvGroupsClaim        = "AUTH_GROUPS_CLAIM"
	EnvAllowedClaims      = "AUTH_ALLOWED_CLAIMS"
	EnvBearerAudience     = "AUTH_BEARER_AUDIENCE"
	EnvUsersFile          = "AUTH_USERS_FILE"
	EnvAnalyticsUsersFile = "AUTH_ANALYTICS_USERS_FILE"
	EnvAPIUsersFile       = "AUTH_API_USERS_FILE"
	EnvPasswordMode       = "AUTH_PASSWORD_MODE"
	EnvAnalyticsPath      = "AUTH_ANALYTICS_PATH"
	EnvAPIPath            = "AUTH_API_PATH"
	EnvPublicPaths        = "AUTH_PUBLIC_PATHS"
	EnvTrustedProxies     = "AUTH_TRUSTED_PROXIES"
	EnvSessionIdle        = "AUTH_SESSION_IDLE"
	EnvSessionLifetime    = "AUTH_SESSION_LIFETIME"
)

// Variable describes one variable.
type Variable struct {
	Name    string
	Default string // that an unset variable stands for; empty for none
	Meaning string // in Markdown, for people

	ProxyOnly   bool // the hosted service and its image do not support it
	PerProvider bool // each provider of AUTH_PROVIDERS has one of its own, such as AUTH_GOOGLE_CLIENT_ID
	Restricts   bool // narrows down who may log in, so that ignoring it would let more people in
}

// Variables is the one table of the AUTH_* variables, in the order in which they are shown. Besides them there are
// AUTH_PARAMS_ and the names of Parameters.
func Variables() []Variable {
	return []Variable{
		{
			Name: EnvProviders, Restricts: true,
			Meaning: "Names of several OpenID providers to choose from, such as `google,entra`. Each has the variables that follow, down to " +
				"`AUTH_TENANTS`, with its name in them: `AUTH_GOOGLE_CLIENT_ID`, `AUTH_GOOGLE_PARAMS_SCOPE` and so on.",
		},
		{Name: EnvClientID, PerProvider: true, Meaning: "Client id of the app at the OpenID provider."},
		{Name: EnvClientSecret, PerProvider: true, Meaning: "Client secret of the app at the OpenID provider."},
		{Name: EnvIssuer, PerProvider: true, Meaning: "Address of the OpenID provider (its issuer), such as `https://example.auth0.com`."},
		{Name: EnvAudience, PerProvider: true, Meaning: "Audience of the access token that the app gets. With it, an expired token ends the session."},
		{Name: EnvScope, PerProvider: true, Default: DefaultScope, Meaning: "Scopes requested at login."},
		{
			Name: EnvPrompt, PerProvider: true, ProxyOnly: true,
			Meaning: "What the provider shows at each login even to users it knows: `login`, `consent`, `select_account`, or several separated by spaces.",
		},
		{
			Name: EnvExtra, PerProvider: true, ProxyOnly: true,
			Meaning: "More parameters of the authorization request, as a query string: `theme=dark&team=T1`. Common ones have variables of their own, such as " +
				"`AUTH_PARAMS_ACR_VALUES` for `acr_values`: `" + strings.Join(Parameters(), "`, `") + "`.",
		},
		{Name: EnvNameClaim, PerProvider: true, ProxyOnly: true, Meaning: "The claim that becomes `X-Auth-Name`, such as `preferred_username`; the e-mail address if not set."},
		{
			Name: EnvLogoutURL, PerProvider: true, ProxyOnly: true,
			Meaning: "The provider's logout page, if the provider does not announce one. `{client_id}`, `{return_to}` and `{id_token}` in its query are replaced.",
		},
		{
			Name: EnvTenants, PerProvider: true, ProxyOnly: true, Restricts: true,
			Meaning: "Ids of the Entra ID tenants whose accounts may log in, separated by commas, or `any`. Required with a multi-tenant issuer.",
		},
		{Name: EnvSecret, Meaning: "Secret that protects sessions and the cookies of logins in progress. To change it, list the new one before the old one, separated by a comma."},
		{Name: EnvBaseURL, Meaning: "Public URL of the app. For `proxy`, it may have a path, below which everything is served."},
		{Name: EnvStripBasePath, ProxyOnly: true, Default: "false", Meaning: "`true` removes the path of `AUTH_BASE_URL` from requests to the app."},
		{Name: EnvPostLogoutRedirect, Default: target.Status, Meaning: "Where the browser goes after logout."},
		{
			Name: EnvClearSiteData, ProxyOnly: true, Default: "cache",
			Meaning: "What browsers delete at logout: `cache`, `cookies`, `storage`, several separated by commas, or `none`.",
		},
		{Name: EnvAppName, ProxyOnly: true, Meaning: "Name of the app on the login pages."},
		{Name: EnvHelpText, ProxyOnly: true, Meaning: "Advice on the login pages for users who cannot log in; plain text."},
		{
			Name: EnvAllowedEmails, ProxyOnly: true, Restricts: true,
			Meaning: "E-mail addresses that may log in, separated by commas. An empty list allows nobody. The provider must have verified the address.",
		},
		{Name: EnvAllowedDomains, ProxyOnly: true, Restricts: true, Meaning: "E-mail domains that may log in, such as `example.com`. It is enough to match either this or the list of addresses."},
		{Name: EnvAllowedGroups, ProxyOnly: true, Restricts: true, Meaning: "Groups, separated by commas; users must be in at least one of them."},
		{
			Name: EnvGroupsClaim, ProxyOnly: true, Default: DefaultGroupsClaim,
			Meaning: "The claim in which the provider lists groups. For a nested claim, use dots: `realm_access.roles`.",
		},
		{
			Name: EnvAllowedClaims, ProxyOnly: true, Restricts: true,
			Meaning: "Claims that users must have: `role=admin, role=dev, tenant=x` requires one of the two roles and the tenant. " +
				"A claim may be a string, a list of strings, `true`, `false` or an integer.",
		},
		{Name: EnvBearerAudience, ProxyOnly: true, Meaning: "Accept the provider's access tokens for this audience, in `Authorization: Bearer`, from API clients."},
		{
			Name: EnvUsersFile, ProxyOnly: true, Restricts: true,
			Meaning: "File with more users, one `NAME:HASH` per line, as written by `htpasswd -B`.",
		},
		{Name: EnvAnalyticsUsersFile, ProxyOnly: true, Restricts: true, Meaning: "The same for the analytics page."},
		{Name: EnvAPIUsersFile, ProxyOnly: true, Restricts: true, Meaning: "The same for the paths below `AUTH_API_PATH`."},
		{
			Name: EnvPasswordMode, ProxyOnly: true, Default: string(ModeAuto),
			Meaning: "How the password is requested: `form` (a page), `basic` (HTTP Basic), or `auto`: a page for browsers, Basic for everything else.",
		},
		{Name: EnvAnalyticsPath, ProxyOnly: true, Default: DefaultAnalyticsPath, Meaning: "Path of the analytics page."},
		{Name: EnvAPIPath, ProxyOnly: true, Default: DefaultAPIPath, Meaning: "Path of the API."},
		{Name: EnvPublicPaths, ProxyOnly: true, Meaning: "Paths that need no login, separated by commas; one that ends in `/` includes everything below it."},
		{Name: EnvTrustedProxies, ProxyOnly: true, Meaning: "Networks of reverse proxies whose `X-Forwarded-*` headers are trusted."},
		{Name: EnvSessionIdle, ProxyOnly: true, Default: short(DefaultSessionIdle), Meaning: "How long a session lasts without a request, such as `1h`."},
		{Name: EnvSessionLifetime, ProxyOnly: true, Default: short(DefaultSessionLifetime), Meaning: "How long a session lasts at most, such as `24h`."},
	}
}

// names returns the names of the variables that match.
func names(match func(Variable) bool) []string {
	var all []string
	for _, v := range Variables() {
		if match(v) {
			all = append(all, v.Name)
		}
	}
	return all
}

func every(Variable) bool { return true }

// prefixParams begins the variables of the parameters of an authorization request.
const prefixParams = "AUTH_PARAMS_"

func usernameKey(f Feature) string { return "username_" + string(f) }
func passwordKey(f Feature) string { return "password_" + string(f) }

// Ignored returns the first of the names that restricts who may log in and that the hosted service would ignore, so
// that everybody who has an account at the provider could log in; empty where there is none.
func Ignored(set []string) string {
	restricting := names(func(v Variable) bool { return v.Restricts })
	for _, name := range set {
		if slices.Contains(restricting, name) {
			return name
		}
	}
	return ""
}

// providerVariables lists those that every provider has, by the names they have for the only one.
func providerVariables() []string {
	all := names(func(v Variable) bool { return v.PerProvider })
	for _, name := range Parameters() {
		all = append(all, parameterKey(name))
	}
	return all
}

// optionalVariables are those of them that may be left out.
func optionalVariables() []string {
	return slices.DeleteFunc(providerVariables(), func(name string) bool {
		return name == EnvClientID || name == EnvClientSecret || name == EnvIssuer
	})
}

// Key returns the name that a variable has for this provider: AUTH_GOOGLE_CLIENT_ID for AUTH_CLIENT_ID.
func (p Provider) Key(name string) string {
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
	known := append(names(every), optionalVariables()...)
	for _, p := range providers {
		if p.Name != "" && checkProviderName(p.Name) == nil {
			for _, name := range providerVariables() {
				known = append(known, p.Key(name))
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
			hint += fmt.Sprintf(" (a variable of the provider %s counts once %s lists it)", provider, EnvProviders)
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

// substitution is how many errors a letter in place of another counts: people leave words out of a name more often than they
// mistake letters.
const substitution = 2

// nearest returns the known name with the fewest typing errors in it; of names that are all far away one that has the
// whole word in it, or "".
func nearest(name string, known []string) string {
	best, bestDistance := "", len(name)/2
	for _, candidate := range known {
		if d := spelling.Distance(name, candidate, substitution); d < bestDistance {
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
