package config_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

func oneProvider() map[string]string {
	return map[string]string{
		"AUTH_CLIENT_ID": "id", "AUTH_CLIENT_SECRET": "cs", "AUTH_ISSUER_BASE_URL": "https://t.example.com", "AUTH_SECRET": longSecret,
	}
}

func TestConfigFromAccess(t *testing.T) {
	t.Parallel()
	const at = "[everything: login at https://t.example.com"
	for name, tc := range map[string]struct {
		vars  map[string]string
		want  config.Access // GroupsClaim: the default where it is empty
		rules string
	}{
		"not set": {nil, config.Access{}, at + "]"},
		"people": {
			map[string]string{"AUTH_ALLOWED_EMAILS": "ann@example.com, zoë+x@Mail.example.com,,o'neil@xn--mnchen-3ya.example", "AUTH_ALLOWED_DOMAINS": "example.org"},
			config.Access{
				Emails:  []string{"ann@example.com", "zoë+x@Mail.example.com", "o'neil@xn--mnchen-3ya.example"},
				Domains: []string{"example.org"},
			},
			at + " (only ann@example.com, zoë+x@Mail.example.com, o'neil@xn--mnchen-3ya.example or @example.org)]",
		},
		"domain": {map[string]string{"AUTH_ALLOWED_DOMAINS": "example.com"}, config.Access{Domains: []string{"example.com"}}, at + " (only @example.com)]"},
		"groups and claims": {
			map[string]string{
				"AUTH_ALLOWED_GROUPS": "Data Team, dev", "AUTH_GROUPS_CLAIM": "https://example.com/groups",
				"AUTH_ALLOWED_CLAIMS": "role=admin, role = dev, https://example.com/tenant=x=y",
			},
			config.Access{
				Groups: []string{"Data Team", "dev"}, GroupsClaim: "https://example.com/groups",
				Claims: map[string][]string{"role": {"admin", "dev"}, "https://example.com/tenant": {"x=y"}},
			},
			at + " (only in the group Data Team or dev and only with https://example.com/tenant=x=y and only with role=admin or dev)]",
		},
		"many": {
			map[string]string{"AUTH_ALLOWED_EMAILS": "a@x.example,b@x.example,c@x.example,d@x.example,e@x.example,f@x.example"},
			config.Access{Emails: []string{"a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example", "f@x.example"}},
			at + " (only a@x.example, b@x.example, c@x.example, d@x.example or 2 others)]",
		},
		"no e-mail, but a domain": {
			map[string]string{"AUTH_ALLOWED_EMAILS": "", "AUTH_ALLOWED_DOMAINS": "example.com"},
			config.Access{Emails: []string{}, Domains: []string{"example.com"}}, at + " (only @example.com)]",
		},
		// Security class 24: an emptied list is nobody, not everybody.
		"empty e-mails": {map[string]string{"AUTH_ALLOWED_EMAILS": ""}, config.Access{Emails: []string{}}, at + " (nobody: AUTH_ALLOWED_EMAILS is empty)]"},
		"empty domains": {map[string]string{"AUTH_ALLOWED_DOMAINS": " "}, config.Access{Domains: []string{}}, at + " (nobody: AUTH_ALLOWED_DOMAINS is empty)]"},
		"empty groups":  {map[string]string{"AUTH_ALLOWED_GROUPS": ","}, config.Access{Groups: []string{}}, at + " (nobody: AUTH_ALLOWED_GROUPS is empty)]"},
		"empty claims":  {map[string]string{"AUTH_ALLOWED_CLAIMS": ""}, config.Access{Claims: map[string][]string{}}, at + " (nobody: AUTH_ALLOWED_CLAIMS is empty)]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := oneProvider()
			maps.Copy(vars, tc.vars)
			c, err := config.From(from(vars))
			if err != nil {
				t.Fatal(err)
			}
			if tc.want.GroupsClaim == "" {
				tc.want.GroupsClaim = config.DefaultGroupsClaim
			}
			if !reflect.DeepEqual(c.Access, tc.want) { // which tells nil from empty
				t.Errorf("access %#v, want %#v", c.Access, tc.want)
			}
			if got := fmt.Sprint(c.Rules()); got != tc.rules {
				t.Errorf("rules %s\nwant  %s", got, tc.rules)
			}
		})
	}
}

func TestConfigFromBearer(t *testing.T) {
	t.Parallel()
	vars := oneProvider()
	vars["AUTH_BEARER_AUDIENCE"] = " https://api.example.com/v1 "
	c, err := config.From(from(vars))
	if err != nil || c.BearerAudience != "https://api.example.com/v1" {
		t.Fatalf("%q, %v", c.BearerAudience, err)
	}
	if got := fmt.Sprint(c.Rules()); !strings.HasSuffix(got, "https://t.example.com, or an access token for https://api.example.com/v1]") {
		t.Errorf("rules %s", got)
	}
}

// What belongs to the main app's login goes with it.
func TestOnlyTakesAccessAway(t *testing.T) {
	t.Parallel()
	vars := oneProvider()
	maps.Copy(vars, map[string]string{
		"AUTH_ALLOWED_DOMAINS": "example.com", "AUTH_BEARER_AUDIENCE": "api", "username_analytics": "ann", "password_analytics": "pw",
	})
	c, err := config.From(from(vars))
	if err != nil {
		t.Fatal(err)
	}
	only := c.Only(config.Analytics)
	if err := only.Validate(); err != nil || len(only.Providers) != 0 {
		t.Errorf("for the analytics alone: %v", err)
	}
	if main := c.Only(config.MainApp); main.Validate() != nil || len(main.Access.Domains) != 1 || main.BearerAudience == "" {
		t.Errorf("for the app alone: %+v", main)
	}
}

func TestAccessMistakes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60) + "."
	for name, tc := range map[string]struct {
		variable, value, want string
	}{
		"two at signs":                {"AUTH_ALLOWED_EMAILS", "mallory@evil.example@example.com", "exactly one @"},
		"no at sign":                  {"AUTH_ALLOWED_EMAILS", "ann", "exactly one @"},
		"semicolons":                  {"AUTH_ALLOWED_EMAILS", "a@x.example;b@x.example", "with commas"},
		"domain as an address":        {"AUTH_ALLOWED_EMAILS", "@example.com", "set AUTH_ALLOWED_DOMAINS=example.com"},
		"pattern as an address":       {"AUTH_ALLOWED_EMAILS", "*@example.com", "set AUTH_ALLOWED_DOMAINS=example.com"},
		"name and address":            {"AUTH_ALLOWED_EMAILS", "Ann <ann@example.com>", "has a space"},
		"control character":           {"AUTH_ALLOWED_EMAILS", "ann\x1b@example.com", "cannot be seen"},
		"zero-width space":            {"AUTH_ALLOWED_EMAILS", "ann\u200b@example.com", "cannot be seen"},
		"no domain":                   {"AUTH_ALLOWED_EMAILS", "ann@", "has a domain that is not a host name"},
		"letters in the domain":       {"AUTH_ALLOWED_EMAILS", "ann@münchen.example", "xn--"},
		"dots":                        {"AUTH_ALLOWED_EMAILS", "ann@example..com", "not a host name"},
		"long address":                {"AUTH_ALLOWED_EMAILS", strings.Repeat("a", 250) + "@example.com", "longer than 254"},
		"address not UTF-8":           {"AUTH_ALLOWED_EMAILS", "ann\xff@example.com", "is not UTF-8"},
		"domain with an at sign":      {"AUTH_ALLOWED_DOMAINS", "@example.com", "without the @: example.com"},
		"address as a domain":         {"AUTH_ALLOWED_DOMAINS", "ann@example.com", "AUTH_ALLOWED_EMAILS"},
		"pattern":                     {"AUTH_ALLOWED_DOMAINS", "*.example.com", "write example.com"},
		"everything":                  {"AUTH_ALLOWED_DOMAINS", "*", "is a pattern"},
		"URL":                         {"AUTH_ALLOWED_DOMAINS", "https://example.com", "not a host name"},
		"dot at the end":              {"AUTH_ALLOWED_DOMAINS", "example.com.", "not a host name"},
		"dot at the start":            {"AUTH_ALLOWED_DOMAINS", ".example.com", "not a host name"},
		"hyphen":                      {"AUTH_ALLOWED_DOMAINS", "-example.com", "not a host name"},
		"space":                       {"AUTH_ALLOWED_DOMAINS", "example.com example.org", "not a host name"},
		"look-alike":                  {"AUTH_ALLOWED_DOMAINS", "ехample.com", "xn--"},
		"long domain":                 {"AUTH_ALLOWED_DOMAINS", strings.Repeat(long, 5) + "example", "longer than 253"},
		"group in two lines":          {"AUTH_ALLOWED_GROUPS", "a\nb", "has a control"},
		"groups claim alone":          {"AUTH_GROUPS_CLAIM", "roles", "only together with AUTH_ALLOWED_GROUPS"},
		"claim without value":         {"AUTH_ALLOWED_CLAIMS", "role", "not a pair such as"},
		"claim with an empty value":   {"AUTH_ALLOWED_CLAIMS", "role=", "not a pair such as"},
		"claim without name":          {"AUTH_ALLOWED_CLAIMS", "=admin", "not a pair such as"},
		"claim in two lines":          {"AUTH_ALLOWED_CLAIMS", "role=a\nb", "has a control"},
		"bearer audience in two":      {"AUTH_BEARER_AUDIENCE", "a\nb", "has a control"},
		"one wrong among right ones":  {"AUTH_ALLOWED_DOMAINS", "example.com, exa mple.org", "exa mple.org"},
		"several claims, one of them": {"AUTH_ALLOWED_CLAIMS", "role=admin,=x", "not a pair such as"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := oneProvider()
			vars[tc.variable] = tc.value
			_, err := config.From(from(vars))
			if err == nil || !strings.HasPrefix(err.Error(), tc.variable+": ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("err = %v, want %q of %s", err, tc.want, tc.variable)
			}
		})
	}
}

// A list of people without a provider that knows them would protect nothing.
func TestAccessNeedsAProvider(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{
		"AUTH_ALLOWED_EMAILS=a@x.example", "AUTH_ALLOWED_EMAILS=", "AUTH_ALLOWED_DOMAINS=x.example", "AUTH_ALLOWED_GROUPS=g",
		"AUTH_ALLOWED_CLAIMS=a=b", "AUTH_ALLOWED_CLAIMS=", "AUTH_BEARER_AUDIENCE=api",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			name, value, _ := strings.Cut(variable, "=")
			s := from(map[string]string{"username_main_app": "ann", "password_main_app": "pw", name: value})
			for _, s.Public = range []bool{false, true} {
				_, err := config.From(s)
				var all *config.Error
				if !errors.As(err, &all) || len(all.Mistakes) != 1 || all.Mistakes[0].Name != name {
					t.Errorf("public %v: err = %v, want one mistake of %s", s.Public, err, name)
				}
			}
		})
	}
}
