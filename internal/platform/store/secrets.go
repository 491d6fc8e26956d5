package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// insertSecrets encrypts and stores the secrets of a deployment.
func (s *Store) insertSecrets(ctx context.Context, tx *sql.Tx, deploymentID string, secrets platform.Secrets) error {
	k, err := s.currentKey(ctx, tx)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO secrets (deployment, key, sealed) VALUES (?, ?, ?)",
		deploymentID, k.fingerprint, k.seal(deploymentID, plain))
	return err
}

// seal encrypts what belongs to a deployment, so that it cannot be moved to another one.
func (k secretKey) seal(deploymentID string, plain []byte) []byte {
	return k.aead.Seal(nil, nil, plain, []byte(deploymentID))
}

func (k secretKey) open(deploymentID string, sealed []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nil, sealed, []byte(deploymentID))
	if err != nil {
		return nil, fmt.Errorf("secrets of deployment %q: they were changed outside the platform: %w", deploymentID, err)
	}
	return plain, nil
}

// Secrets returns the secrets of a deployment. The error wraps platform.ErrNotFound if there is no such deployment, and ErrKey
// if the key file has lost their key.
func (s *Store) Secrets(ctx context.Context, deploymentID string) (platform.Secrets, error) {
	secrets, _, err := s.secrets(ctx, deploymentID)
	return secrets, err
}

// SecretDigests returns a keyed digest (HMAC-SHA256, hexadecimal) of each variable of a deployment, so that it can be told which
// ones have changed. It depends on the name too, and changes when the key is rotated.
func (s *Store) SecretDigests(ctx context.Context, deploymentID string) (map[string]string, error) {
	secrets, k, err := s.secrets(ctx, deploymentID)
	if err != nil {
		return nil, err
	}
	digests := make(map[string]string, len(secrets.Variables))
	for _, v := range secrets.Variables {
		mac := hmac.New(sha256.New, k.digests)
		mac.Write([]byte(v.Name + "\x00" + v.Value))
		digests[v.Name] = hex.EncodeToString(mac.Sum(nil))
	}
	return digests, nil
}

func (s *Store) secrets(ctx context.Context, deploymentID string) (secrets platform.Secrets, k secretKey, err error) {
	var fingerprint string
	var sealed []byte
	err = s.db.Read.QueryRowContext(ctx, "SELECT key, sealed FROM secrets WHERE deployment = ?", deploymentID).Scan(&fingerprint, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return secrets, k, notFound("deployment", deploymentID)
	case err != nil:
		return secrets, k, s.failed(err)
	}
	if k, err = s.key(fingerprint); err != nil {
		return secrets, k, err
	}
	plain, err := k.open(deploymentID, sealed)
	if err != nil {
		return secrets, k, err
	}
	return secrets, k, json.Unmarshal(plain, &secrets)
}

// reseal encrypts all secrets with another key, one after the other: together they may be large.
func reseal(ctx context.Context, tx *sql.Tx, from, to secretKey) error {
	for {
		var id string
		var sealed []byte
		err := tx.QueryRowContext(ctx, "SELECT deployment, sealed FROM secrets WHERE key <> ? LIMIT 1", to.fingerprint).Scan(&id, &sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		plain, err := from.open(id, sealed)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE secrets SET key = ?, sealed = ? WHERE deployment = ?",
			to.fingerprint, to.seal(id, plain), id); err != nil {
			return err
		}
	}
}
