package project

import (
	"errors"
	"fmt"
	"slices"
)

// ConflictError says that both sides of a merge changed the same key.
type ConflictError struct{ Key string }

func (e *ConflictError) Error() string { return fmt.Sprintf("%q has another value now", e.Key) }

// Onto returns the configuration in now, the present content of the file, with the changes that were made to c since it was
// read. The error is a *ConflictError if now has another change to one of these keys, or an *Invalid if now has mistakes
// that the changes do not correct.
func (c *Config) Onto(now []byte) (*Config, error) {
	base, err := Parse(c.Base)
	var before *Invalid // corrected by c
	errors.As(err, &before)
	merged, err := Parse(now)
	var invalid *Invalid
	errors.As(err, &invalid)
	if invalid != nil && !invalid.Only(keys()...) {
		return nil, invalid
	}
	var changed []string
	for _, key := range keys() {
		was, want, is := base.encoded(key), c.encoded(key), merged.encoded(key)
		switch {
		case want == was && (before == nil || !slices.Contains(before.keys, key)):
			continue
		case is != was && is != want:
			return nil, &ConflictError{key}
		}
		changed = append(changed, key)
		merged.take(key, c)
	}
	if invalid != nil && !invalid.Only(changed...) {
		return nil, invalid
	}
	merged.Base = now
	return merged, nil
}

// encoded is what is written for a key, "" for a missing key.
func (c *Config) encoded(key string) string {
	v := c.value(key)
	if v == nil {
		return ""
	}
	b, err := encode(v)
	if err != nil {
		return "" // Marshal returns the error
	}
	return string(b)
}

// take copies the value of a key.
func (c *Config) take(key string, from *Config) {
	switch key {
	case "id":
		c.ID = from.ID
	case "type":
		c.Type = from.Type
	case "resources":
		c.Resources = from.Resources
	case "template":
		c.Template = from.Template
	case "labels":
		c.Labels = from.Labels
	case "secret-keys":
		c.SecretKeys = from.SecretKeys
	case "ignore":
		c.Ignore = from.Ignore
	case "include":
		c.Include = from.Include
	case "authentication":
		c.Authentication = from.Authentication
	case "authentication_analytics":
		c.AuthenticationAnalytics = from.AuthenticationAnalytics
	}
	delete(c.raw, key)
	if raw, ok := from.raw[key]; ok {
		c.raw[key] = raw
	}
}
