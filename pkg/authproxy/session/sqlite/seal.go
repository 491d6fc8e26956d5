package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// keyring encrypts content and hashes tags.
type keyring struct {
	keys []boundKey // the first encrypts, all decrypt
}

// boundKey holds the keys that are derived from one key for these two purposes.
type boundKey struct {
	aead cipher.AEAD // with a random nonce of 96 bits, which is good for 2^32 logins a key
	tags []byte
}

// contentKey is what the key of the content is derived for. Its number grows with the format of the content: sessions in
// another format do not open, as if they had ended. The first format was binary, the second is JSON.
const contentKey = "ploomber-cloud session content 2"

func newKeyring(keys [][]byte) (*keyring, error) {
	ring := &keyring{}
	for _, key := range keys {
		if len(key) == 0 {
			continue
		}
		block, err := aes.NewCipher(derive(key, contentKey))
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, boundKey{aead: aead, tags: derive(key, "ploomber-cloud session tag 1")})
	}
	if len(ring.keys) == 0 {
		return nil, ErrNoKey
	}
	return ring, nil
}

func derive(key []byte, use string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(use))
	return mac.Sum(nil)
}

// seal encrypts plain and binds it to the session's key, so that it cannot be moved to another row.
func (r *keyring) seal(key session.Key, plain []byte) ([]byte, error) {
	if len(r.keys) == 0 {
		return nil, ErrNoKey
	}
	return r.keys[0].aead.Seal(nil, nil, plain, key[:]), nil
}

func (r *keyring) open(key session.Key, sealed []byte) (plain []byte, ok bool) {
	for _, k := range r.keys {
		if plain, err := k.aead.Open(nil, nil, sealed, key[:]); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// hide returns the hashes of a tag: with the first key, as new rows have it, and with the older ones.
func (r *keyring) hide(tag string) [][]byte {
	hidden := make([][]byte, len(r.keys))
	for i, k := range r.keys {
		hidden[i] = derive(k.tags, tag)
	}
	return hidden
}
