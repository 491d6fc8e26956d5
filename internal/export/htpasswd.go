package export

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the only salted form that every nginx reads by itself; see SaltedSHA
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"golang.org/x/crypto/bcrypt"
)

// Hash is how passwords are stored for nginx, which verifies them again on every request.
type Hash string

const (
	// Bcrypt slows down an attacker with a stolen file, and therefore also nginx: about 2 ms of CPU per request.
	Bcrypt Hash = "bcrypt"
	// SaltedSHA costs almost nothing, and slows down nobody. That is enough for a random generated password, which
	// cannot be guessed however fast the hash is, and for no other.
	SaltedSHA Hash = "ssha"
)

// Hashes lists all of them, the default first.
func Hashes() []Hash { return []Hash{Bcrypt, SaltedSHA} }

const (
	// bcryptCost is small because nginx caches no result and blocks meanwhile: at cost 5 a page with 50 parts
	// takes 0.1 s, at cost 10 it takes 4 s. It is still ten times harder to brute-force than apr1.
	bcryptCost = 5
	// maxBcrypt is the length in bytes of the longest password. bcrypt ignores everything after 72 bytes, so with
	// a password of 72 bytes anything could be appended.
	maxBcrypt = 71
	// minGenerated is the minimum length of a password that is assumed to be randomly generated.
	minGenerated = 20
	saltSize     = 16
)

// What a password file cannot contain. The errors of Nginx wrap these.
var (
	ErrUsername = errors.New("a password file for nginx cannot hold this user name")
	ErrPassword = errors.New("nginx cannot check this password")
)

// passwordFile is the password file of a feature, with the names in it. Existing hashes are copied unchanged.
func passwordFile(c config.Config, f config.Feature, h Hash) (data []byte, names []string, err error) {
	if login, ok := c.Passwords[f]; ok {
		if data, err = htpasswd(login, h); err != nil {
			return nil, nil, err
		}
		names = append(names, login.Username)
	}
	for _, user := range c.Users[f].Logins {
		if err := checkName(user.Username); err != nil {
			return nil, nil, err
		}
		data = fmt.Appendf(data, "%s:%s\n", user.Username, "$2y$"+user.Hash.Reveal()[len("$2y$"):])
		names = append(names, user.Username)
	}
	return data, names, nil
}

// htpasswd is the password file of one login. Its content is UTF-8, as the challenge asks browsers to use.
func htpasswd(login config.Login, h Hash) ([]byte, error) {
	if err := checkName(login.Username); err != nil {
		return nil, err
	}
	hash, err := h.of(login.Password.Reveal())
	if err != nil {
		return nil, err
	}
	return []byte(login.Username + ":" + hash + "\n"), nil
}

func checkName(username string) error {
	switch {
	case strings.Contains(username, ":"):
		return fmt.Errorf("%w: a colon ends the name there", ErrUsername)
	case strings.HasPrefix(username, "#"):
		return fmt.Errorf("%w: a line that begins with # is a comment there", ErrUsername)
	}
	return nil
}

func (h Hash) of(password string) (string, error) {
	if strings.ContainsRune(password, 0) {
		return "", fmt.Errorf("%w: everything after a NUL character is ignored", ErrPassword)
	}
	switch h {
	case Bcrypt:
		if len(password) > maxBcrypt {
			return "", fmt.Errorf("%w: bcrypt takes at most %d bytes", ErrPassword, maxBcrypt)
		}
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcryptCost)
		if err != nil {
			return "", err
		}
		// 2a is what some systems use for hashes of a buggy implementation, and compute differently for non-ASCII
		// characters. 2y is the same algorithm, known to be correct.
		return "$2y$" + strings.TrimPrefix(string(hash), "$2a$"), nil
	case SaltedSHA:
		if utf8.RuneCountInString(password) < minGenerated {
			return "", fmt.Errorf("%w: ssha is only for randomly generated passwords of at least %d characters", ErrPassword, minGenerated)
		}
		var salt [saltSize]byte
		_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
		sum := sha1.Sum(append([]byte(password), salt[:]...))
		return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt[:]...)), nil
	}
	return "", optionf("hash", "%q is not one of %v", h, Hashes())
}
