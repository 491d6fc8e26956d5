package platform

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"
)

// User is an account of the platform. Every project belongs to one.
type User struct {
	ID      string
	Name    string
	Tier    Tier
	Created time.Time
}

// Tier is what a user may do. The limits of the last three are those of the reference service (internal/tier); the
// owner of the platform has none.
type Tier string

// The tiers.
const (
	Owner     Tier = "owner"
	Pro       Tier = "pro"
	Teams     Tier = "teams"
	Community Tier = "community"
)

// Tiers lists all tiers.
func Tiers() []Tier { return []Tier{Owner, Pro, Teams, Community} }

// OwnerName is the user that the first start creates.
const OwnerName = "owner"

// CheckUserName returns an error for a name that a user cannot have.
func CheckUserName(name string) error {
	if !isName(name, "._-", 64) {
		return fmt.Errorf("invalid user name %q: use lower-case letters, digits, '.', '_' and '-', at most 64 of them", name)
	}
	return nil
}

// keyBytes is the size of an API key before encoding: such a key cannot be guessed, so its hash needs no salt.
const keyBytes = 32

// NewKey returns a random API key. Only KeyHash of it is stored.
func NewKey(random io.Reader) (string, error) {
	b := make([]byte, keyBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("generate an API key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// KeyHash is what is stored of an API key.
func KeyHash(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }
