package config

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
)

// labelStore keeps the keys of session stores apart from other keys of the same secret.
const labelStore = "ploomber-cloud authproxy store key 1"

// passwordRounds is what OWASP asks of PBKDF2 with SHA-256 (Password Storage Cheat Sheet, 2023).
const passwordRounds = 600_000

// StoreKeys returns the keys, of 32 bytes each, with which a store seals what it keeps: the first seals, all open.
// They come from AUTH_SECRET; without one from the configured credentials, so that what was kept is lost with a
// changed password, which takes some 0.2 s.
func (c Config) StoreKeys() [][]byte {
	var all [][]byte
	for _, secret := range c.LastingSecrets() {
		key := keys.Derive(secret, labelStore)
		all = append(all, key[:])
	}
	return all
}

// LastingSecrets are the secrets that are the same after a restart.
func (c Config) LastingSecrets() [][]byte {
	if len(c.Secrets) > 0 {
		var all [][]byte
		for _, secret := range c.Secrets {
			all = append(all, []byte(secret.Reveal()))
		}
		return all
	}
	var all []byte
	for _, feature := range Features() {
		login := c.Passwords[feature]
		for _, part := range []string{string(feature), login.Username, login.Password.Reveal()} {
			all = strconv.AppendQuote(all, part) // so that no two configurations look alike
		}
		for _, user := range c.Users[feature].Logins {
			all = strconv.AppendQuote(strconv.AppendQuote(append(all, 'u'), user.Username), user.Hash.Reveal())
		}
	}
	master, err := pbkdf2.Key(sha256.New, string(all), []byte("ploomber-cloud authproxy credentials 1"), passwordRounds, sha256.Size)
	if err != nil { // only for parts that are too short
		panic(err)
	}
	return [][]byte{master}
}

// RevealedSecrets are the values of Secrets.
func (c Config) RevealedSecrets() []string {
	var all []string
	for _, secret := range c.Secrets {
		all = append(all, secret.Reveal())
	}
	return all
}

// WithoutSecrets returns c without passwords, hashes, client secrets and Secrets; names stay.
func (c Config) WithoutSecrets() Config {
	names := map[Feature]Login{}
	for feature, login := range c.Passwords {
		names[feature] = Login{Username: login.Username}
	}
	c.Passwords, c.Secrets = names, nil
	files := map[Feature]Users{}
	for feature, users := range c.Users {
		files[feature] = Users{File: users.File}
	}
	c.Users = files
	c.Providers = slices.Clone(c.Providers)
	for i := range c.Providers {
		c.Providers[i].ClientSecret = ""
	}
	return c
}
