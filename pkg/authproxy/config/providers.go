package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

const (
	maxProviders    = 16 // that one page offers
	maxProviderName = 32 // in bytes
)

// providers reads the ones that AUTH_PROVIDERS names, or the only one, whose variables have no name in them.
func (r *reader) providers() []Provider {
	if r.isSet(EnvProviders) {
		return r.namedProviders()
	}
	if !r.isSet(EnvClientID, EnvClientSecret, EnvIssuer) && r.Project.Template != templateOIDC {
		for _, name := range optionalVariables() {
			if r.text(name) != "" {
				r.wrong.addf(name, "has an effect only together with %s", EnvClientID)
			}
		}
		return nil
	}
	return []Provider{r.provider("")}
}

func (r *reader) namedProviders() []Provider {
	for _, name := range providerVariables() {
		if r.isSet(name) {
			r.wrong.addf(name, "is set besides %s: remove one of the two, or name the provider there and this variable %s",
				EnvProviders, Provider{Name: "<name>"}.Key(name))
		}
	}
	names := r.list(EnvProviders)
	if len(names) == 0 {
		r.wrong.addf(EnvProviders, "names no provider, such as google,entra")
	}
	var providers []Provider
	for _, name := range names {
		p := Provider{Name: name}
		if checkProviderName(name) == nil { // else there are no variables to look for; the mistake is told with the Config
			p = r.provider(name)
		}
		providers = append(providers, p)
	}
	return providers
}

// provider reads the variables of one provider: AUTH_CLIENT_ID, or AUTH_GOOGLE_CLIENT_ID for the one named google.
func (r *reader) provider(name string) Provider {
	p := Provider{Name: name}
	p.Issuer = withScheme(r.text(p.Key(EnvIssuer)))
	p.ClientID = r.text(p.Key(EnvClientID))
	p.ClientSecret = Secret(r.text(p.Key(EnvClientSecret)))
	p.Audience = r.text(p.Key(EnvAudience))
	p.Scope = r.text(p.Key(EnvScope))
	p.Prompt = strings.Join(strings.Fields(r.text(p.Key(EnvPrompt))), " ")
	p.Params = r.parameters(p)
	p.NameClaim = r.text(p.Key(EnvNameClaim))
	p.LogoutURL = r.text(p.Key(EnvLogoutURL))
	p.Tenants = strings.ToLower(strings.Join(r.list(p.Key(EnvTenants)), ","))
	if r.isSet(p.Key(EnvTenants)) && p.Tenants == "" {
		r.wrong.addf(p.Key(EnvTenants), "names no tenant: list the ids of those that may log in, or set it to %s", oidc.AnyTenant)
	}
	return p
}

// withScheme adds https:// where people left it out.
func withScheme(issuer string) string {
	if issuer == "" || strings.Contains(issuer, "://") {
		return issuer
	}
	return "https://" + issuer
}

// checkProviderName accepts what can stand in a variable and is told from what stands there already.
func checkProviderName(name string) error {
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			return fmt.Errorf("must be written in lower case: %s", strings.ToLower(name))
		case !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'):
			return errors.New("may have only lower case letters, digits, - and _")
		}
	}
	if name == "" || len(name) > maxProviderName {
		return fmt.Errorf("must have 1 to %d characters", maxProviderName)
	}
	if strings.Trim(name, "-_") == "" { // the login page would show an empty name
		return errors.New("must have a letter or a digit")
	}
	own := "AUTH_" + inVariables(name) + "_"
	for _, variable := range names(every) {
		if strings.HasPrefix(variable+"_", own) {
			return fmt.Errorf("cannot be a provider's name, its variables would look like %s", variable)
		}
	}
	return nil
}

func (c Config) checkProviders(m *mistakes) {
	if len(c.Providers) == 0 {
		return
	}
	if c.HasPassword(MainApp) {
		key := EnvClientID
		if c.Providers[0].Name != "" {
			key = EnvProviders
		}
		remove := usernameKey(MainApp) + " and " + passwordKey(MainApp)
		if _, hasFile := c.Users[MainApp]; hasFile {
			remove = EnvUsersFile
		}
		m.addf(key, "the main app has a password and a provider: remove %s, or the variables of the provider", remove)
	}
	if len(c.Secrets) == 0 {
		m.addf(EnvSecret, "%w; OpenID Connect needs at least %d random characters, such as 'openssl rand -hex 32' makes", errMissing, minSecret)
	}
	if len(c.Providers) > maxProviders {
		m.addf(EnvProviders, "names %d providers, at most %d are possible", len(c.Providers), maxProviders)
		return
	}
	if !c.checkProviderNames(m) {
		return // the variables would be named wrongly
	}
	for i, p := range c.Providers {
		p.check(m)
		same := func(other Provider) bool {
			return other.ClientID == p.ClientID && sameIssuer(other.Issuer, p.Issuer)
		}
		if at := slices.IndexFunc(c.Providers[:i], same); at >= 0 && p.ClientID != "" {
			m.addf(p.Key(EnvClientID), "is the same application at the same provider as %s", c.Providers[at].Key(EnvClientID))
		}
	}
}

// checkProviderNames makes sure that no two providers share a variable. Only a provider that is alone may lack a
// name.
func (c Config) checkProviderNames(m *mistakes) (ok bool) {
	before, seen := len(*m), map[string]string{}
	for _, p := range c.Providers {
		if p.Name == "" && len(c.Providers) == 1 {
			continue
		}
		if err := checkProviderName(p.Name); err != nil {
			m.addf(EnvProviders, "%q %w", p.Name, err)
			continue
		}
		switch other, taken := seen[inVariables(p.Name)]; {
		case taken && other == p.Name:
			m.addf(EnvProviders, "names %s twice", p.Name)
		case taken:
			m.addf(EnvProviders, "%s and %s would have the same variables", other, p.Name)
		}
		seen[inVariables(p.Name)] = p.Name
	}
	return len(*m) == before
}

func (p Provider) check(m *mistakes) {
	for _, field := range []struct {
		name, value string
		needed      bool
	}{
		{EnvClientID, p.ClientID, true},
		{EnvClientSecret, p.ClientSecret.Reveal(), true},
		{EnvAudience, p.Audience, false},
		{EnvScope, p.Scope, false},
		{EnvNameClaim, p.NameClaim, false},
	} {
		if field.value == "" && field.needed {
			m.addf(p.Key(field.name), "%w", errMissing)
		} else if err := checkText(field.value); err != nil {
			m.addf(p.Key(field.name), "%w", err)
		}
	}
	if err := checkPrompt(p.Prompt); err != nil {
		m.addf(p.Key(EnvPrompt), "%w", err)
	}
	p.checkParameters(m)
	if strings.TrimSpace(p.Issuer) == "" {
		m.addf(p.Key(EnvIssuer), "%w", errMissing)
	} else if _, err := oidc.NormalIssuer(p.Issuer); err != nil {
		m.addf(p.Key(EnvIssuer), "%w", err)
	}
	if err := oidc.CheckLogoutURL(p.LogoutURL); err != nil {
		m.addf(p.Key(EnvLogoutURL), "%w", err)
	}
	if err := oidc.CheckTenants(p.Tenants); err != nil {
		m.addf(p.Key(EnvTenants), "%w", err)
	}
	if p.Tenants == "" && oidc.OfAllTenants(p.Issuer) {
		m.addf(p.Key(EnvTenants), "is missing: accounts of every tenant of Entra ID could log in at %s. List the ids of those that may, or set it to %s",
			p.Issuer, oidc.AnyTenant)
	}
}

// checkPrompt accepts what a provider may be told to show: OpenID Connect Core, 3.1.2.1.
func checkPrompt(prompt string) error {
	for _, word := range strings.Fields(prompt) {
		switch word {
		case "login", "consent", "select_account":
		case "none":
			return errors.New("cannot be none: a provider that may show nothing logs nobody in")
		default:
			return fmt.Errorf("%q is none of login, consent, select_account, or several of them with spaces between", word)
		}
	}
	return nil
}

// checkText accepts what can be sent to a provider or compared with what it says.
func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errors.New("is not UTF-8")
	case !identity.Clean(s):
		return errors.New("has a control character")
	}
	return nil
}

// sameIssuer compares as providers are compared.
func sameIssuer(a, b string) bool {
	one, err := oidc.NormalIssuer(a)
	other, otherErr := oidc.NormalIssuer(b)
	return err == nil && otherErr == nil && one == other
}
