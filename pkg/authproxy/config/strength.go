package config

import (
	"errors"
	"fmt"
	"strings"
)

// minSecret is the length in characters of the shortest AUTH_SECRET.
const minSecret = 32

// alsoSecret returns the name of another setting with the value of a secret, "" where none has it.
func (c Config) alsoSecret(secret Secret) string {
	for _, p := range c.Providers {
		switch secret {
		case p.ClientSecret:
			return p.Key(EnvClientSecret)
		case Secret(p.ClientID):
			return p.Key(EnvClientID)
		}
	}
	for _, feature := range Features() {
		if login, ok := c.Passwords[feature]; ok && login.Password == secret {
			return passwordKey(feature)
		}
	}
	return ""
}

// repeats reports whether a secret is one short word again and again, but for a few characters. Random ones are not
// that, in 32 hexadecimal digits neither. A word of 16 characters may hold enough by itself.
func repeats(secret string) bool {
	const few, short = 4, 16
	for period := 1; period < min(short, len(secret)/2+1); period++ {
		same := 0
		for i := period; i < len(secret); i++ {
			if secret[i] == secret[i-period] {
				same++
			}
		}
		if same >= len(secret)-period-few {
			return true
		}
	}
	return false
}

// checkSecret refuses weak secrets: short, repetitive, counting up, or a placeholder from some documentation.
func checkSecret(secret string) error {
	if len(secret) < minSecret {
		return fmt.Errorf("is shorter than %d characters; 'openssl rand -hex 32' makes a good one", minSecret)
	}
	distinct, steps := map[byte]bool{}, 0
	for i := range len(secret) {
		distinct[secret[i]] = true
		if i > 0 && secret[i] == secret[i-1]+1 {
			steps++
		}
	}
	switch {
	case len(distinct) < 8:
		return errors.New("repeats a few characters; use random ones")
	case repeats(secret):
		return errors.New("repeats itself; use random characters")
	case steps > len(secret)/2:
		return errors.New("is a sequence such as abc; use random characters")
	}
	plain := strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(secret))
	for _, word := range []string{
		"changeme", "changethis", "replaceme", "replacethis", "yoursecret", "mysecret", "supersecret", "randomstring", "randomvalue",
		"randomlygenerated", "longrandom", "placeholder", "authsecret", "secretkey", "opensslrand",
	} {
		if strings.Contains(plain, word) {
			return errors.New("is a placeholder; use random characters")
		}
	}
	return nil
}
