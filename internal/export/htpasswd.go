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

// Hash is how passwords are kept for nginx, which computes it again for every single request.
type Hash string

const (
	// Bcrypt slows whoever has stolen the file down, and so also nginx: a request costs some 2 ms of a core.
	Bcrypt Hash = "bcrypt"
	// SaltedSHA costs nothing that can be measured, and slows nobody down. That is enough for a password that a
	// generator made, which cannot be found by trying however fast that is, and for no other.
	SaltedSHA Hash = "ssha"
)

// Hashes lists all, the default first.
func Hashes() []Hash { return []Hash{Bcrypt, SaltedSHA} }

const (
	// bcryptCost is small since nginx remembers no result and serves nobody else meanwhile: at cost 5 a page with
	// 50 parts takes 0.1 s, at cost 10 it takes 4 s. It is still ten times harder to guess from than apr1.
	bcryptCost = 5
	// maxBcrypt is the length in bytes of the longest password: with one of 72 bytes, of which bcrypt sees no
	// more, anything appended to it would be taken too.
	maxBcrypt = 71
	// minGenerated is the length of the shortest password that is believed to be a generator's.
	minGenerated = 20
	saltSize     = 16
)

// What a password file cannot hold. The errors of Nginx wrap them.
var (
	ErrUsername = errors.New("a password file for nginx cannot hold this user name")
	ErrPassword = errors.New("nginx cannot check this password")
)

// passwordFile is the password file of a feature, with the names in it. Hashes that the project has already are taken as
// they are.
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

// htpasswd is the password file of one login. Its texts are UTF-8, as the challenge asks browsers to send them.
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
		return "", fmt.Errorf("%w: nothing behind a NUL character counts", ErrPassword)
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
		// 2a is what some systems keep for hashes of a faulty implementation, and compute differently for
		// letters outside ASCII. 2y is the same algorithm with a promise that it is the right one.
		return "$2y$" + strings.TrimPrefix(string(hash), "$2a$"), nil
	case SaltedSHA:
		if utf8.RuneCountInString(password) < minGenerated {
			return "", fmt.Errorf("%w: ssha is for passwords from a generator, of at least %d characters", ErrPassword, minGenerated)
		}
		var salt [saltSize]byte
		_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
		sum := sha1.Sum(append([]byte(password), salt[:]...))
		return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt[:]...)), nil
	}
	return "", optionf("hash", "%q is none of %v", h, Hashes())
}
