// Package project reads and writes ploomber-cloud.json, the file that connects a folder to a project of the
// platform, and detects what kind of app a folder contains. It knows no command, no terminal and no network.
package project

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// FileName is the configuration file of a project folder.
const FileName = "ploomber-cloud.json"

// Types are the project types of the platform, sorted.
func Types() []string {
	return []string{"chainlit", "dash", "docker", "flask", "panel", "shiny-r", "solara", "streamlit", "voila"}
}

// TemplateAuth0 is the value of Config.Template that puts an OpenID Connect login in front of the app.
const TemplateAuth0 = "node-auth0"

// Config is the content of ploomber-cloud.json. A zero field is a missing key.
type Config struct {
	ID                      string
	Type                    string
	Resources               *Resources
	Template                string
	Labels                  []string
	SecretKeys              []string
	Ignore, Include         []string // an entry that is not a string matches nothing and is kept in the file
	Authentication          *Credentials
	AuthenticationAnalytics *Credentials

	Base []byte // content of the file that this replaces, nil if there is none; see Onto

	order []string                   // keys in the order of the file
	raw   map[string]json.RawMessage // Ignore and Include as in the file
}

// Resources are those of one instance of the app.
type Resources struct {
	CPU float64 // cores; the platform sells 0.5, 1, 2, 4 and 8
	RAM int     // GB
	GPU int
}

// MarshalJSON writes the CPU with a decimal point: the reference tool refuses 1 where it expects 1.0.
func (r Resources) MarshalJSON() ([]byte, error) {
	cpu := fmt.Sprintf("%g", r.CPU)
	if !strings.ContainsAny(cpu, ".e") {
		cpu += ".0"
	}
	return fmt.Appendf(nil, `{"cpu":%s,"ram":%d,"gpu":%d}`, cpu, r.RAM, r.GPU), nil
}

// Credentials protect one feature: a user name and a password, each in plain text or, better, as the name of a
// secret that holds it, since the file is usually committed.
type Credentials struct {
	Username, Password Value
}

// Reference returns credentials stored in the secrets named username and password.
func Reference(username, password string) *Credentials {
	return &Credentials{Username: Value{Secret: username}, Password: Value{Secret: password}}
}

// Literal reports whether the file itself contains a part of the credentials.
func (c *Credentials) Literal() bool { return c.Username.Secret == "" || c.Password.Secret == "" }

// Value is a literal (Text) or the name of the secret that holds it (Secret; then Text is not used).
type Value struct{ Text, Secret string }

// MarshalJSON writes a reference as {"secret": NAME} and a literal as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Secret != "" {
		return encode(map[string]string{"secret": v.Secret})
	}
	return encode(v.Text)
}

// MarshalJSON keeps the key order of the reference tool.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Username Value `json:"username"`
		Password Value `json:"password"`
	}{c.Username, c.Password})
}

// Feature is a part of a project that a password can protect.
type Feature string

// The features. The service knows the first two; API needs our own proxy.
const (
	Analytics Feature = "analytics"
	MainApp   Feature = "main_app"
	API       Feature = "api"
)

// Features lists the features in the order of the reference tool's menu, our own last.
func Features() []Feature { return []Feature{Analytics, MainApp, API} }

// UsernameKey is the name of the secret that holds the feature's user name.
func (f Feature) UsernameKey() string { return "username_" + string(f) }

// PasswordKey is the name of the secret that holds the feature's password.
func (f Feature) PasswordKey() string { return "password_" + string(f) }

// ConfigKey is the key of the file that holds the feature's credentials, "" if they cannot be in the file.
func (f Feature) ConfigKey() string {
	return map[Feature]string{MainApp: "authentication", Analytics: "authentication_analytics"}[f]
}

// credentialsOf returns where c stores the credentials of f, nil if they cannot be in the file: the api feature is
// only configured by its two secrets, as no other tool would accept a key for it.
func (c *Config) credentialsOf(f Feature) **Credentials {
	switch f {
	case MainApp:
		return &c.Authentication
	case Analytics:
		return &c.AuthenticationAnalytics
	default:
		return nil
	}
}

// Credentials returns the credentials that protect f, or nil.
func (c *Config) Credentials(f Feature) *Credentials {
	if at := c.credentialsOf(f); at != nil {
		return *at
	}
	return nil
}

// SetCredentials protects f with v; nil removes the protection. It does nothing for a feature whose credentials
// cannot be in the file.
func (c *Config) SetCredentials(f Feature, v *Credentials) {
	if at := c.credentialsOf(f); at != nil {
		*at = v
	}
}

// keys are the known keys in the order in which new ones are written.
func keys() []string {
	return []string{
		"id", "type", "labels", "resources", "template", "secret-keys", "ignore", "include",
		"authentication", "authentication_analytics",
	}
}

// value returns what is written for a key, nil for a key to be omitted.
func (c *Config) value(key string) any {
	list := func(l []string) any {
		if l == nil {
			return nil
		}
		return l
	}
	switch key {
	case "id":
		return c.ID
	case "type":
		return c.Type
	case "resources":
		if c.Resources != nil {
			return *c.Resources
		}
	case "template":
		if c.Template != "" {
			return c.Template
		}
	case "labels":
		return list(c.Labels)
	case "secret-keys":
		return list(c.SecretKeys)
	case "ignore", "include":
		if raw, ok := c.raw[key]; ok {
			return raw
		}
		return list(map[string][]string{"ignore": c.Ignore, "include": c.Include}[key])
	case "authentication":
		if c.Authentication != nil {
			return *c.Authentication
		}
	case "authentication_analytics":
		if c.AuthenticationAnalytics != nil {
			return *c.AuthenticationAnalytics
		}
	}
	return nil
}

// Marshal returns the content of the file: indented by four spaces, the keys in the order of the file c was read
// from and new ones after them, without a final line break, like the reference tool.
func (c *Config) Marshal() ([]byte, error) {
	order := slices.Clone(c.order)
	for _, k := range keys() {
		if !slices.Contains(order, k) {
			order = append(order, k)
		}
	}
	var flat []byte
	for _, k := range order {
		v := c.value(k)
		if v == nil {
			continue
		}
		b, err := encode(v)
		if err != nil {
			return nil, fmt.Errorf("cannot write key %q: %w", k, err)
		}
		if flat != nil {
			flat = append(flat, ',')
		}
		flat = fmt.Appendf(flat, "%q:%s", k, b)
	}
	return indent("{" + string(flat) + "}")
}

// Keep copies from old, which may be nil, every setting that c does not have, except id and type, and the order of
// its keys.
func (c *Config) Keep(old *Config) {
	if old == nil {
		return
	}
	if c.Resources == nil {
		c.Resources = old.Resources
	}
	if c.Template == "" {
		c.Template = old.Template
	}
	for _, l := range []struct{ to, from *[]string }{
		{&c.Labels, &old.Labels}, {&c.SecretKeys, &old.SecretKeys}, {&c.Ignore, &old.Ignore}, {&c.Include, &old.Include},
	} {
		if *l.to == nil {
			*l.to = *l.from
		}
	}
	order := slices.Clone(old.order)
	for _, key := range c.order {
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
	}
	c.order = order
	for key, raw := range old.raw {
		if _, ok := c.raw[key]; !ok && c.raw != nil {
			c.raw[key] = raw
		}
	}
	if c.Authentication == nil {
		c.Authentication = old.Authentication
	}
	if c.AuthenticationAnalytics == nil {
		c.AuthenticationAnalytics = old.AuthenticationAnalytics
	}
}
