package authproxy

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Labels keep the keys that come from one secret apart.
const (
	labelSession = "ploomber-cloud authproxy session key 1"
	labelStore   = "ploomber-cloud authproxy store key 1"
	labelSigner  = "ploomber-cloud authproxy signing key 1"
)

// passwordRounds is what OWASP asks of PBKDF2 with SHA-256 (Password Storage Cheat Sheet, 2023).
const passwordRounds = 600_000

// StoreKeys returns the keys, of 32 bytes each, with which a store seals what it keeps: the first seals, all open.
// They come from AUTH_SECRET; without one from the configured credentials, so that what was kept is lost with a
// changed password, which takes some 0.2 s.
func (c Config) StoreKeys() [][]byte {
	var keys [][]byte
	for _, secret := range c.lastingSecrets() {
		key := derive(secret, labelStore)
		keys = append(keys, key[:])
	}
	return keys
}

// lastingSecrets are the secrets that are the same after a restart.
func (c Config) lastingSecrets() [][]byte {
	if len(c.Secrets) > 0 {
		return revealed(c.Secrets)
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

func revealed(secrets []Secret) [][]byte {
	var all [][]byte
	for _, secret := range secrets {
		all = append(all, []byte(secret.Reveal()))
	}
	return all
}

func derive(secret []byte, label string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(label))
	return [sha256.Size]byte(mac.Sum(nil))
}

// sessionKeys bind sessions to the secret: without one of its keys no id leads to a session. The first is used for
// new sessions, all lead to old ones.
type sessionKeys []sessionKey

type sessionKey [sha256.Size]byte

func newSessionKeys(secrets [][]byte) sessionKeys {
	var keys sessionKeys
	for _, secret := range secrets {
		keys = append(keys, derive(secret, labelSession))
	}
	return keys
}

// of returns the name of a session in a store.
func (k *sessionKey) of(id session.ID) session.Key { return id.Key((*[sha256.Size]byte)(k)) }

// stamps returns what marks a grant as obtained with this password, under each key.
func (k sessionKeys) stamps(area string, login Login) []string {
	return k.mark(area, login.Username, login.Password.Reveal())
}

// userStamps is stamps for somebody of whose password the hash is known.
func (k sessionKeys) userStamps(area string, user UserHash) []string {
	return k.mark(area, "hash", user.Username, user.Hash.Reveal())
}

func (k sessionKeys) mark(parts ...string) []string {
	stamps := make([]string, len(k))
	for i, key := range k {
		mac := hmac.New(sha256.New, key[:])
		for _, part := range parts {
			mac.Write(strconv.AppendQuote(nil, part))
		}
		stamps[i] = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	return stamps
}

// knows reports whether key is still in use.
func (k sessionKeys) knows(key sessionKey) bool { return slices.Contains(k, key) }
