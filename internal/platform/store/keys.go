package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// ErrKey means that the key file is missing, damaged or belongs to another database. Without the right one secrets cannot be
// read, so a new one is never made for an existing database.
var ErrKey = errors.New("the key of the platform's secrets is not available")

const keySize = 32

// keyring is a set of keys. A key file has one, and two while a rotation is going on.
type keyring struct {
	keys []secretKey
}

// secretKey is a key and what is derived from it.
type secretKey struct {
	raw         []byte
	fingerprint string // says which key a secret is encrypted with, and nothing about the key
	aead        cipher.AEAD
	digests     []byte // key of SecretDigests
}

func newSecretKey(raw []byte) (secretKey, error) {
	block, err := aes.NewCipher(derive(raw, "ploomber-cloud platform secrets 1"))
	if err != nil {
		return secretKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block) // 96 bits of nonce: good for 2^32 deployments a key
	return secretKey{
		raw: raw, aead: aead,
		fingerprint: hex.EncodeToString(derive(raw, "ploomber-cloud platform fingerprint 1")[:8]),
		digests:     derive(raw, "ploomber-cloud platform digests 1"),
	}, err
}

func generateKey(random io.Reader) (secretKey, error) {
	raw := make([]byte, keySize)
	if _, err := io.ReadFull(random, raw); err != nil {
		return secretKey{}, fmt.Errorf("generate a key: %w", err)
	}
	return newSecretKey(raw)
}

func derive(key []byte, use string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(use))
	return mac.Sum(nil)
}

func (r *keyring) find(fingerprint string) (secretKey, bool) {
	for _, k := range r.keys {
		if k.fingerprint == fingerprint {
			return k, true
		}
	}
	return secretKey{}, false
}

const keyFileHead = `# Keys of the secrets in platform.db. Keep a copy apart from that file: without it they cannot be read.
`

// encode is the content of a key file: a key on each line, comments begin with #.
func (r *keyring) encode() []byte {
	text := []byte(keyFileHead)
	for _, k := range r.keys {
		text = append(base64.StdEncoding.AppendEncode(text, k.raw), '\n')
	}
	return text
}

// readKeyFile reads the key file. The error wraps ErrKey, and fs.ErrNotExist if there is none.
func readKeyFile(path string) (*keyring, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	ring := &keyring{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != keySize {
			return nil, fmt.Errorf("%w: line %d of %s is not a key; restore the file from a backup", ErrKey, number, path)
		}
		k, err := newSecretKey(raw)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, k)
	}
	if len(ring.keys) == 0 {
		return nil, fmt.Errorf("%w: %s has no key; restore the file from a backup", ErrKey, path)
	}
	return ring, nil
}

func (s *Store) writeKeyFile(ring *keyring) error {
	return fsx.Replace(fsx.File{Path: s.keyFile, Data: ring.encode(), Mode: fsx.Private, Tighten: true})
}

// openKeys reads the key file. In a new database it records the key, and makes the file if there is none. The write lock also
// guards the key file: no other process makes or changes it meanwhile.
func (s *Store) openKeys(ctx context.Context) error {
	s.ring.Store(&keyring{})
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		recorded, err := recordedKey(ctx, tx)
		if err != nil {
			return err
		}
		if recorded != "" {
			_, err := s.loadKey(recorded)
			return err
		}
		ring, err := readKeyFile(s.keyFile)
		if errors.Is(err, fs.ErrNotExist) {
			var k secretKey
			if k, err = generateKey(s.random); err != nil {
				return err
			}
			ring = &keyring{keys: []secretKey{k}}
			err = s.writeKeyFile(ring)
		}
		if err != nil {
			return err
		}
		s.remember(ring)
		_, err = tx.ExecContext(ctx, "INSERT INTO current_key (one, fingerprint) VALUES (1, ?)", ring.keys[0].fingerprint)
		return err
	})
}

// recordedKey returns the fingerprint of the key that encrypts new secrets, "" in a new database.
func recordedKey(ctx context.Context, tx *sql.Tx) (fingerprint string, err error) {
	err = tx.QueryRowContext(ctx, "SELECT fingerprint FROM current_key").Scan(&fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return fingerprint, err
}

// key returns the key with a fingerprint. One that this process does not know yet comes from a rotation by another process.
func (s *Store) key(fingerprint string) (secretKey, error) {
	if k, ok := s.ring.Load().find(fingerprint); ok {
		return k, nil
	}
	return s.loadKey(fingerprint)
}

// loadKey reads the key file, which must have the key with a fingerprint.
func (s *Store) loadKey(fingerprint string) (secretKey, error) {
	ring, err := readKeyFile(s.keyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return secretKey{}, fmt.Errorf("%w; restore the file from a backup, or move %s away to begin without users and projects", err, s.path)
	case err != nil:
		return secretKey{}, err
	}
	s.remember(ring)
	k, ok := ring.find(fingerprint)
	if !ok {
		return secretKey{}, fmt.Errorf("%w: %s does not have the key of %s (fingerprint %s); restore the file from a backup",
			ErrKey, s.keyFile, s.path, fingerprint)
	}
	return k, nil
}

// remember adds keys to those in memory. Old ones stay, for secrets that were read before a rotation and are decrypted after it.
func (s *Store) remember(ring *keyring) {
	for {
		known := s.ring.Load()
		merged := &keyring{keys: slices.Clone(ring.keys)}
		for _, k := range known.keys {
			if _, ok := merged.find(k.fingerprint); !ok {
				merged.keys = append(merged.keys, k)
			}
		}
		if s.ring.CompareAndSwap(known, merged) {
			return
		}
	}
}

// RotateKey replaces the key of secrets and encrypts all of them with the new one. Other processes may work meanwhile. If it is
// interrupted the key file has both keys; the next rotation removes the old one.
func (s *Store) RotateKey(ctx context.Context) error {
	fresh, err := generateKey(s.random)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		old, err := s.currentKey(ctx, tx)
		if err != nil {
			return err
		}
		ring := &keyring{keys: []secretKey{fresh, old}}
		if err := s.writeKeyFile(ring); err != nil {
			return err
		}
		s.remember(ring)
		if err := reseal(ctx, tx, old, fresh); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE current_key SET fingerprint = ?", fresh.fingerprint)
		return err
	})
	if err != nil {
		return err
	}
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		only, err := s.currentKey(ctx, tx)
		if err != nil {
			return err
		}
		return s.writeKeyFile(&keyring{keys: []secretKey{only}})
	})
}

// currentKey returns the key that encrypts new secrets, which another process may have changed.
func (s *Store) currentKey(ctx context.Context, tx *sql.Tx) (secretKey, error) {
	recorded, err := recordedKey(ctx, tx)
	if err != nil {
		return secretKey{}, err
	}
	return s.key(recorded)
}
