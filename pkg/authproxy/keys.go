package authproxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// labelSession keeps the session keys apart from other keys of the same secret.
const labelSession = "ploomber-cloud authproxy session key 1"

// sessionKeys bind sessions to the secret: without one of its keys no id leads to a session. The first is used for
// new sessions, all lead to old ones.
type sessionKeys []sessionKey

type sessionKey [sha256.Size]byte

func newSessionKeys(secrets [][]byte) sessionKeys {
	var all sessionKeys
	for _, secret := range secrets {
		all = append(all, keys.Derive(secret, labelSession))
	}
	return all
}

// of returns the name of a session in a store.
func (k *sessionKey) of(id session.ID) session.Key { return id.Key((*[sha256.Size]byte)(k)) }

// stamps returns what marks a grant as obtained with this password, under each key.
func (k sessionKeys) stamps(area string, login config.Login) []string {
	return k.mark(area, login.Username, login.Password.Reveal())
}

// userStamps is stamps for somebody of whose password the hash is known.
func (k sessionKeys) userStamps(area string, user config.UserHash) []string {
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
