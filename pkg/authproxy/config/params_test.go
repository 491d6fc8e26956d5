package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// oneProviderWith are the variables of a login at one provider, and more.
func oneProviderWith(more map[string]string) map[string]string {
	vars := oneProvider()
	maps.Copy(vars, more)
	return vars
}

func TestParametersFromVariables(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vars map[string]string
		want string // query
	}{
		"known":             {map[string]string{"AUTH_PARAMS_ACR_VALUES": "urn:a b", "AUTH_PARAMS_DOMAIN_HINT": "example.com"}, "acr_values=urn%3Aa+b&domain_hint=example.com"},
		"empty":             {map[string]string{"AUTH_PARAMS_LOGIN_HINT": "", "AUTH_PARAMS_EXTRA": " "}, ""},
		"others":            {map[string]string{"AUTH_PARAMS_EXTRA": "theme=dark&tenant=a%26b"}, "tenant=a%26b&theme=dark"},
		"others and known":  {map[string]string{"AUTH_PARAMS_EXTRA": "x=1", "AUTH_PARAMS_ORGANIZATION": "org_1"}, "organization=org_1&x=1"},
		"known by the long": {map[string]string{"AUTH_PARAMS_EXTRA": "resource=a&resource=b"}, "resource=a&resource=b"},
		"a hundred":         {map[string]string{"AUTH_PARAMS_MAX_AGE": "100"}, "max_age=100"},
	} {
		c, err := config.From(from(oneProviderWith(tc.vars)))
		if err != nil || c.Providers[0].Params != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, c.Providers[0].Params, err, tc.want)
		}
	}
	for _, name := range config.Parameters() {
		vars := oneProviderWith(map[string]string{"AUTH_PARAMS_" + strings.ToUpper(name): "7"})
		c, err := config.From(from(vars))
		if err != nil || c.Providers[0].Params != name+"=7" {
			t.Errorf("%s: %v", name, err)
		}
	}
	vars := twoProviders()
	vars["AUTH_GOOGLE_PARAMS_HD"], vars["AUTH_ENTRA_ID_PARAMS_EXTRA"] = "example.com", "a=b"
	if c, err := config.From(from(vars)); err != nil || c.Providers[0].Params != "hd=example.com" || c.Providers[1].Params != "a=b" {
		t.Errorf("of several: %+v, %v", c.Providers, err)
	}
}

// Security class 24: a parameter that would change the login is refused, and so is a misspelt one.
func TestParameterMistakes(t *testing.T) {
	t.Parallel()
	for variable, tc := range map[string]struct{ value, want string }{
		"AUTH_PARAMS_REDIRECT_URI":   {"https://evil.example", "AUTH_PARAMS_REDIRECT_URI: unknown variable (redirect_uri is set by the login itself)"},
		"AUTH_PARAMS_STATE":          {"x", "(state is set by the login itself)"},
		"AUTH_PARAMS_NONCE":          {"x", "(nonce is set by the login itself)"},
		"AUTH_PARAMS_RESPONSE_TYPE":  {"token", "(response_type is set by the login itself)"},
		"AUTH_PARAMS_RESPONSE_MODE":  {"form_post", "(response_mode is set by the login itself)"},
		"AUTH_PARAMS_CODE_CHALLENGE": {"x", "(code_challenge is set by the login itself)"},
		"AUTH_PARAMS_CLIENT_ID":      {"x", "AUTH_PARAMS_CLIENT_ID: unknown variable"},
		"AUTH_PARAMS_AUDIENC":        {"x", "did you mean AUTH_PARAMS_AUDIENCE?"},
		"AUTH_PARAMS_SCOPES":         {"x", "did you mean AUTH_PARAMS_SCOPE?"},
		"AUTH_PARAMS_ACRVALUES":      {"x", "did you mean AUTH_PARAMS_ACR_VALUES?"},
		"AUTH_PARAMS_ORGANISATION":   {"x", "did you mean AUTH_PARAMS_ORGANIZATION?"},
		"AUTH_PARAM_LOGIN_HINT":      {"x", "did you mean AUTH_PARAMS_LOGIN_HINT?"},
		"AUTH_LOGIN_HINT":            {"x", "AUTH_LOGIN_HINT: unknown variable; did you mean AUTH_PARAMS_LOGIN_HINT?"},
		"AUTH_PARAMS_MY_THEME":       {"x", "(a parameter of your provider's own goes into AUTH_PARAMS_EXTRA, as my_theme=VALUE)"},
		"AUTH_PARAMS_":               {"x", "AUTH_PARAMS_: unknown variable"},
		"AUTH_PARAMS_MAX_AGE":        {"1h", "AUTH_PARAMS_MAX_AGE: must be a number of seconds"},
		"AUTH_PARAMS_UI_LOCALES":     {"a\nb", "AUTH_PARAMS_UI_LOCALES: has a control character"},
		"AUTH_NAME_CLAIMS":           {"x", "did you mean AUTH_NAME_CLAIM?"},
		"AUTH_NAME_CLAIM":            {"a\tb", "AUTH_NAME_CLAIM: has a control character"},
		"AUTH_LOGOUT_URL":            {"http://t.example.com/out", "AUTH_LOGOUT_URL: must start with https"},
		"AUTH_TENANTS":               {"contoso.com", "AUTH_TENANTS: \"contoso.com\" is not a tenant ID"},
		"AUTH_ISSUER_BASE_URL":       {"https://login.microsoftonline.com/common/v2.0", "AUTH_TENANTS: is missing"},
	} {
		if _, err := config.From(from(oneProviderWith(map[string]string{variable: tc.value}))); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", variable, err, tc.want)
		}
	}
	for extra, want := range map[string]string{
		"State=x": "state is set by the login itself", "redirect_uri=x": "redirect_uri is set", "request_uri=https://x": "request_uri is set",
		"scope=x": "scope has the variable AUTH_PARAMS_SCOPE", "audience=x": "has the variable AUTH_PARAMS_AUDIENCE", "prompt=none": "AUTH_PARAMS_PROMPT",
		"client_secret=x": "client_secret is set", "%zz": "is not a query", "a;b": "is not a query", "a b=x": "a parameter's name", "=x": "a parameter's name",
		"x=%00": "control character", "max_age=x": "AUTH_PARAMS_MAX_AGE: must be", "x=" + strings.Repeat("y", 2100): "more than", strings.Repeat("x=1&", 33): "more than",
	} {
		if _, err := config.From(from(oneProviderWith(map[string]string{"AUTH_PARAMS_EXTRA": extra}))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("AUTH_PARAMS_EXTRA=%s: %v, want %q", extra, err, want)
		}
	}
	twice := map[string]string{"AUTH_PARAMS_EXTRA": "hd=a", "AUTH_PARAMS_HD": "b"}
	if _, err := config.From(from(oneProviderWith(twice))); err == nil || !strings.Contains(err.Error(), "AUTH_PARAMS_EXTRA: sets hd, and so does AUTH_PARAMS_HD") {
		t.Errorf("twice: %v", err)
	}
	if _, err := config.From(from(oneProviderWith(map[string]string{"AUTH_TENANTS": ""}))); err == nil || !strings.Contains(err.Error(), "AUTH_TENANTS: names no tenant") {
		t.Errorf("no tenant: %v", err)
	}
	alone := map[string]string{"username_main_app": "ann", "password_main_app": "pw", "AUTH_PARAMS_HD": "x"}
	if _, err := config.From(from(alone)); err == nil || !strings.Contains(err.Error(), "AUTH_PARAMS_HD: has an effect only together with AUTH_CLIENT_ID") {
		t.Errorf("without a provider: %v", err)
	}
}
