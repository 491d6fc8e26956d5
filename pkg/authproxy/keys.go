package authproxy

import (
	"crypto/sha256"
	"slices"

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

// secrets returns the keys for fingerprints.
func (k sessionKeys) secrets() [][sha256.Size]byte {
	all := make([][sha256.Size]byte, len(k))
	for i := range k {
		all[i] = k[i]
	}
	return all
}

// knows reports whether key is still in use.
func (k sessionKeys) knows(key sessionKey) bool { return slices.Contains(k, key) }
