package authproxy

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Setting is one variable of a configuration, for people to read.
type Setting struct {
	Name  string
	Value string // *** where it is secret
}

func (s Setting) String() string { return s.Name + "=" + s.Value }

// Settings lists the variables that make c, defaults too, always in the same order: those that are neither set
// nor have a default are left out. Secrets are redacted; but for them ConfigFrom makes c from the list again.
func (c Config) Settings() []Setting {
	c = c.withDefaults()
	var list []Setting
	add := func(set bool, name, value string) {
		if set {
			list = append(list, Setting{Name: name, Value: value})
		}
	}
	items := func(name string, values []string) { add(values != nil, name, strings.Join(values, ",")) }
	for _, feature := range Features() {
		login, set := c.Passwords[feature]
		add(set, usernameKey(feature), login.Username)
		add(set, passwordKey(feature), redacted)
	}
	for _, feature := range Features() {
		users, set := c.Users[feature]
		add(set, usersKey(feature), users.File)
	}
	list = append(list, c.providerSettings()...)
	add(len(c.Secrets) > 0, keySecret, strings.TrimSuffix(strings.Repeat(redacted+",", len(c.Secrets)), ","))
	if c.BaseURL != nil {
		add(true, keyBaseURL, c.BaseURL.Redacted())
	}
	add(c.StripBasePath, keyStripBasePath, "true")
	add(c.PostLogoutRedirect != "", keyPostLogoutRedirect, c.PostLogoutRedirect)
	add(c.ClearSiteData != "", keyClearSiteData, c.ClearSiteData)
	add(c.AppName != "", keyAppName, c.AppName)
	add(c.HelpText != "", keyHelpText, c.HelpText)
	items(keyAllowedEmails, c.Access.Emails)
	items(keyAllowedDomains, c.Access.Domains)
	items(keyAllowedGroups, c.Access.Groups)
	add(c.Access.Groups != nil, keyGroupsClaim, c.Access.GroupsClaim)
	add(c.Access.Claims != nil, keyAllowedClaims, pairs(c.Access.Claims))
	add(c.BearerAudience != "", keyBearerAudience, c.BearerAudience)
	add(true, keyPasswordMode, string(c.PasswordMode))
	add(true, keyAnalyticsPath, c.AnalyticsPath)
	add(true, keyAPIPath, c.APIPath)
	add(len(c.PublicPaths) > 0, keyPublicPaths, strings.Join(c.PublicPaths, ","))
	var networks []string
	for _, prefix := range c.TrustedProxies {
		networks = append(networks, prefix.String())
	}
	items(keyTrustedProxies, networks)
	add(true, keySessionIdle, short(c.SessionIdle))
	add(true, keySessionLifetime, short(c.SessionLifetime))
	return list
}

func (c Config) providerSettings() []Setting {
	var list []Setting
	var names []string
	for _, p := range c.Providers {
		if p.Name != "" {
			names = append(names, p.Name)
		}
		list = append(list, Setting{p.key(keyClientID), p.ClientID}, Setting{p.key(keyClientSecret), redacted},
			Setting{p.key(keyIssuer), p.Issuer})
		if p.Audience != "" {
			list = append(list, Setting{p.key(keyAudience), p.Audience})
		}
		list = append(list, Setting{p.key(keyScope), p.Scope})
		if p.Prompt != "" {
			list = append(list, Setting{p.key(keyPrompt), p.Prompt})
		}
		list = append(list, p.parameterSettings()...)
		for _, s := range []Setting{{keyNameClaim, p.NameClaim}, {keyLogoutURL, p.LogoutURL}, {keyTenants, p.Tenants}} {
			if s.Value != "" {
				list = append(list, Setting{p.key(s.Name), s.Value})
			}
		}
	}
	if len(names) > 0 {
		list = slices.Insert(list, 0, Setting{keyProviders, strings.Join(names, ",")})
	}
	return list
}

// pairs writes claims as AUTH_ALLOWED_CLAIMS has them.
func pairs(claims map[string][]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		for _, value := range claims[name] {
			list = append(list, name+"="+value)
		}
	}
	return strings.Join(list, ",")
}

// short writes a duration without the minutes and seconds that it does not have: 24h, not 24h0m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
