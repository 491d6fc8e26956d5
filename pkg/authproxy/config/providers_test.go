package config_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// twoProviders are the variables of a login with a choice.
func twoProviders() map[string]string {
	return map[string]string{
		"AUTH_PROVIDERS": "google, entra-id", "AUTH_SECRET": longSecret,
		"AUTH_GOOGLE_CLIENT_ID": "g", "AUTH_GOOGLE_CLIENT_SECRET": "canary-1", "AUTH_GOOGLE_ISSUER_BASE_URL": "accounts.example.com",
		"AUTH_ENTRA_ID_CLIENT_ID": "e", "AUTH_ENTRA_ID_CLIENT_SECRET": "canary-2", "AUTH_ENTRA_ID_ISSUER_BASE_URL": "https://login.example.com/tenant/v2.0",
		"AUTH_ENTRA_ID_PARAMS_AUDIENCE": "https://api.example.com", "AUTH_ENTRA_ID_PARAMS_SCOPE": "openid email",
		"AUTH_ENTRA_ID_PARAMS_PROMPT": " select_account   consent ",
	}
}

func TestConfigFromSeveralProviders(t *testing.T) {
	t.Parallel()
	s := from(twoProviders())
	s.Project.Template = "node-auth0" // which one of several satisfies
	c, err := config.From(s)
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Provider{
		{Name: "google", Issuer: "https://accounts.example.com", ClientID: "g", ClientSecret: "canary-1", Scope: config.DefaultScope},
		{
			Name: "entra-id", Issuer: "https://login.example.com/tenant/v2.0", ClientID: "e", ClientSecret: "canary-2",
			Audience: "https://api.example.com", Scope: "openid email", Prompt: "select_account consent",
		},
	}
	if len(c.Providers) != 2 || c.Providers[0] != want[0] || c.Providers[1] != want[1] {
		t.Errorf("providers %+v, want %+v", c.Providers, want)
	}
	if got := fmt.Sprint(c.Rules()); got != "[everything: login at https://accounts.example.com or https://login.example.com/tenant/v2.0]" {
		t.Errorf("rules %s", got)
	}
}

func TestSeveralProvidersMistakes(t *testing.T) {
	t.Parallel()
	many := make([]string, 17)
	for i := range many {
		many[i] = fmt.Sprintf("p%d", i)
	}
	for name, tc := range map[string]struct {
		vars map[string]string
		want []string // each in the message
		not  string   // not in it
	}{
		"none named":        {map[string]string{"AUTH_PROVIDERS": " , "}, []string{"AUTH_PROVIDERS: names no provider"}, ""},
		"set to nothing":    {map[string]string{"AUTH_PROVIDERS": ""}, []string{"AUTH_PROVIDERS: names no provider"}, ""},
		"without variables": {map[string]string{"AUTH_PROVIDERS": "google,okta,entra-id"}, []string{"AUTH_OKTA_CLIENT_ID: is missing", "AUTH_OKTA_CLIENT_SECRET: is missing", "AUTH_OKTA_ISSUER_BASE_URL: is missing"}, "GOOGLE"},
		"besides the only one": {map[string]string{"AUTH_CLIENT_ID": "x"},
			[]string{"AUTH_CLIENT_ID: is set besides AUTH_PROVIDERS", "AUTH_<NAME>_CLIENT_ID"}, ""},
		"audience of the only one": {map[string]string{"AUTH_PARAMS_AUDIENCE": "x"}, []string{"AUTH_PARAMS_AUDIENCE: is set besides AUTH_PROVIDERS"}, ""},
		"upper case":               {map[string]string{"AUTH_PROVIDERS": "Google,entra-id"}, []string{`AUTH_PROVIDERS: "Google" must be written in lower case: google`}, "is missing"},
		"space":                    {map[string]string{"AUTH_PROVIDERS": "google entra"}, []string{`AUTH_PROVIDERS: "google entra" may have only`}, "is missing"},
		"letter":                   {map[string]string{"AUTH_PROVIDERS": "gøøgle"}, []string{`may have only`}, ""},
		"no letter":                {map[string]string{"AUTH_PROVIDERS": "google,-_"}, []string{`AUTH_PROVIDERS: "-_" must have a letter or a digit`}, ""},
		"too long":                 {map[string]string{"AUTH_PROVIDERS": strings.Repeat("a", 33)}, []string{`must have 1 to 32`}, ""},
		"twice":                    {map[string]string{"AUTH_PROVIDERS": "google,google"}, []string{"AUTH_PROVIDERS: names google twice"}, ""},
		"same variables":           {map[string]string{"AUTH_PROVIDERS": "entra_id,entra-id"}, []string{"entra_id and entra-id would have the same variables"}, ""},
		"too many":                 {map[string]string{"AUTH_PROVIDERS": strings.Join(many, ",")}, []string{"AUTH_PROVIDERS: names 17 providers, at most 16"}, "is missing"},
		"params":                   {map[string]string{"AUTH_PROVIDERS": "params"}, []string{`"params" cannot be`, "AUTH_PARAMS_AUDIENCE"}, ""},
		"allowed":                  {map[string]string{"AUTH_PROVIDERS": "allowed"}, []string{`"allowed" cannot be`}, ""},
		"session":                  {map[string]string{"AUTH_PROVIDERS": "session-idle"}, []string{`"session-idle" cannot be`}, ""},
		"secret":                   {map[string]string{"AUTH_PROVIDERS": "secret"}, []string{`"secret" cannot be`}, ""},
		"client":                   {map[string]string{"AUTH_PROVIDERS": "client"}, []string{`"client" cannot be`}, ""},
		"same application": {map[string]string{"AUTH_ENTRA_ID_CLIENT_ID": "g", "AUTH_ENTRA_ID_ISSUER_BASE_URL": "https://ACCOUNTS.example.com:443/"},
			[]string{"AUTH_ENTRA_ID_CLIENT_ID: is the same application at the same provider as AUTH_GOOGLE_CLIENT_ID"}, ""},
		"not listed":             {map[string]string{"AUTH_OKTA_CLIENT_ID": "x"}, []string{"AUTH_OKTA_CLIENT_ID: unknown variable", "once AUTH_PROVIDERS lists it", "okta"}, ""},
		"misspelt":               {map[string]string{"AUTH_GOOGEL_CLIENT_ID": "x"}, []string{"AUTH_GOOGEL_CLIENT_ID: unknown variable; did you mean AUTH_GOOGLE_CLIENT_ID?"}, ""},
		"misspelt end":           {map[string]string{"AUTH_GOOGLE_ISSUER_URL": "x"}, []string{"AUTH_GOOGLE_ISSUER_URL: unknown variable; did you mean AUTH_GOOGLE_ISSUER_BASE_URL?"}, "lists it"},
		"lower case":             {map[string]string{"auth_google_client_id": "x"}, []string{"auth_google_client_id: unknown variable; did you mean AUTH_GOOGLE_CLIENT_ID?"}, ""},
		"issuer by http":         {map[string]string{"AUTH_GOOGLE_ISSUER_BASE_URL": "http://accounts.example.com"}, []string{"AUTH_GOOGLE_ISSUER_BASE_URL: must start with https"}, ""},
		"password as well":       {map[string]string{"username_main_app": "ann", "password_main_app": "pw"}, []string{"AUTH_PROVIDERS: the main app has a password and a provider"}, ""},
		"audience in two":        {map[string]string{"AUTH_GOOGLE_PARAMS_AUDIENCE": "a\tb"}, []string{"AUTH_GOOGLE_PARAMS_AUDIENCE: has a control"}, ""},
		"scope not UTF-8":        {map[string]string{"AUTH_GOOGLE_PARAMS_SCOPE": "a\xff"}, []string{"AUTH_GOOGLE_PARAMS_SCOPE: is not UTF-8"}, ""},
		"prompt of the only one": {map[string]string{"AUTH_PARAMS_PROMPT": "login"}, []string{"AUTH_PARAMS_PROMPT: is set besides AUTH_PROVIDERS"}, ""},
		"prompt none":            {map[string]string{"AUTH_GOOGLE_PARAMS_PROMPT": "none"}, []string{"AUTH_GOOGLE_PARAMS_PROMPT: cannot be none", "nobody"}, ""},
		"prompt none, too":       {map[string]string{"AUTH_GOOGLE_PARAMS_PROMPT": "login none"}, []string{"AUTH_GOOGLE_PARAMS_PROMPT: cannot be none"}, ""},
		"prompt in letters":      {map[string]string{"AUTH_GOOGLE_PARAMS_PROMPT": "Login"}, []string{`AUTH_GOOGLE_PARAMS_PROMPT: "Login" is none of login, consent, select_account`}, ""},
		"prompt with commas":     {map[string]string{"AUTH_GOOGLE_PARAMS_PROMPT": "login,consent"}, []string{`AUTH_GOOGLE_PARAMS_PROMPT: "login,consent" is none of`, "spaces"}, ""},
		"prompt misspelt":        {map[string]string{"AUTH_GOOGLE_PARAM_PROMPT": "login"}, []string{"did you mean AUTH_GOOGLE_PARAMS_PROMPT?"}, ""},
		"prompt, unlisted":       {map[string]string{"AUTH_OKTA_PARAMS_PROMPT": "login"}, []string{"AUTH_OKTA_PARAMS_PROMPT: unknown variable", "okta counts once"}, ""},
		"client secret lost":     {map[string]string{"AUTH_GOOGLE_CLIENT_SECRET": " "}, []string{"AUTH_GOOGLE_CLIENT_SECRET: is missing"}, "ENTRA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := twoProviders()
			maps.Copy(vars, tc.vars)
			_, err := config.From(from(vars))
			var all *config.Error
			if !errors.As(err, &all) {
				t.Fatalf("err = %v, want a *Error", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%v", want, err)
				}
			}
			mistakes := strings.ReplaceAll(err.Error(), "(a variable of the provider", "") // a hint
			if tc.not != "" && strings.Contains(mistakes, tc.not) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q or a secret is in\n%v", tc.not, err)
			}
		})
	}
}

// A Config that was made by hand is held to the same.
func TestValidateProviders(t *testing.T) {
	t.Parallel()
	p := config.Provider{Issuer: "https://t.example.com", ClientID: "id", ClientSecret: "cs"}
	other := p
	other.ClientID = "other"
	c := config.Config{Secrets: []config.Secret{longSecret}, Providers: []config.Provider{p, other}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "AUTH_PROVIDERS") {
		t.Errorf("two providers without names: %v", err)
	}
	c.Providers = c.Providers[:1]
	if err := c.Validate(); err != nil {
		t.Errorf("one without a name: %v", err)
	}
	c.Providers[0].Name = "google"
	if err := c.Validate(); err != nil {
		t.Errorf("one with a name: %v", err)
	}
}
