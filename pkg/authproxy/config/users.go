package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// Users are people with passwords of their own for one feature, out of a file as htpasswd writes it.
type Users struct {
	File   string // for people to read
	Logins []UserHash
}

// UserHash is a user name and the bcrypt hash of the password.
type UserHash struct {
	Username string
	Hash     Secret
}

// Bounds of a file of users. A hash of the highest cost takes some 1.5 s of a core.
const (
	maxUsersFile = 1 << 20 // bytes
	maxUserCost  = 14
	maxUsername  = 256 // bytes
	howToHash    = "'htpasswd -nB NAME' writes such a line"
)

func bcryptHash() *regexp.Regexp {
	return regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)
}

// usersKey is the variable that names the file of users of a feature.
func usersKey(f Feature) string {
	switch f {
	case API:
		return EnvAPIUsersFile
	case Analytics:
		return EnvAnalyticsUsersFile
	default:
		return EnvUsersFile
	}
}

// users reads the files of users. One that is named and cannot be read leaves nothing open: it is a mistake.
func (r *reader) users() map[Feature]Users {
	var all map[Feature]Users
	for _, feature := range Features() {
		key := usersKey(feature)
		if !r.isSet(key) {
			continue
		}
		u := Users{File: r.text(key)}
		switch {
		case u.File == "":
			r.wrong.addf(key, "is empty; it names a file of users")
		case r.ReadFile == nil:
			r.wrong.addf(key, "files of users cannot be read here")
		default:
			text, err := r.ReadFile(u.File)
			if err != nil {
				r.wrong.addf(key, "%s cannot be read: %w", u.File, err)
			} else {
				u.Logins = parseUsers(key, u.File, text, &r.wrong)
			}
		}
		if all == nil {
			all = map[Feature]Users{}
		}
		all[feature] = u
	}
	return all
}

// parseUsers reads lines such as ana:$2y$10$..., with empty lines and comments between them. No mistake repeats what is
// in the file.
func parseUsers(key, file string, text []byte, wrong *mistakes) []UserHash {
	if len(text) > maxUsersFile {
		wrong.addf(key, "%s is larger than 1 MB", file)
		return nil
	}
	before := len(*wrong)
	var users []UserHash
	number := 0
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\ufeff"))) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		name, hash, _ := strings.Cut(string(line), ":")
		if err := checkUser(name, hash); err != nil {
			wrong.addf(key, "%s, line %d: %w", file, number, err)
			continue
		}
		users = append(users, UserHash{Username: name, Hash: Secret(hash)})
	}
	if len(users) == 0 && len(*wrong) == before {
		wrong.addf(key, "%s lists no user, so nobody could log in; %s", file, howToHash)
	}
	return users
}

func checkUser(name, hash string) error {
	if err := checkUsername(name); err != nil {
		return fmt.Errorf("the user name %w", err)
	}
	if strings.TrimSpace(name) != name { // which servers take off headers: " ana" would be the ana of another line
		return errors.New("the user name begins or ends with white space")
	}
	found := bcryptHash().FindStringSubmatch(hash)
	if found == nil {
		return fmt.Errorf("there is no bcrypt hash behind the name and a colon; %s", howToHash)
	}
	if cost, err := strconv.Atoi(found[1]); err != nil || cost < 4 || cost > maxUserCost {
		return fmt.Errorf("the cost of the hash is not from 4 to %d", maxUserCost)
	}
	return nil
}

// checkUsername accepts what may become X-Auth-Name.
func checkUsername(name string) error {
	switch {
	case name == "":
		return errors.New("is missing or empty")
	case !utf8.ValidString(name):
		return errors.New("is not UTF-8")
	case !identity.Clean(name):
		return errors.New("has a control character")
	case len(name) > maxUsername:
		return fmt.Errorf("is longer than %d bytes", maxUsername)
	}
	return nil
}

// checkUsers refuses two users of one name, which no login could tell apart.
func (c Config) checkUsers(m *mistakes) {
	for _, feature := range Features() {
		seen := map[string]bool{}
		if login, ok := c.Passwords[feature]; ok {
			seen[norm.NFC.String(login.Username)] = true
		}
		for i, user := range c.Users[feature].Logins {
			name := norm.NFC.String(user.Username)
			if seen[name] {
				m.addf(usersKey(feature), "%s: the name of user %d is a duplicate, or that of %s", c.Users[feature].File, i+1, usernameKey(feature))
			}
			seen[name] = true
			if err := checkUser(user.Username, user.Hash.Reveal()); err != nil {
				m.addf(usersKey(feature), "user %d: %w", i+1, err)
			}
		}
	}
}

// HasPassword reports whether a feature asks for a password, of whomever.
func (c Config) HasPassword(f Feature) bool {
	_, one := c.Passwords[f]
	_, hasFile := c.Users[f]
	return one || hasFile
}

// HasPasswords reports whether any feature does.
func (c Config) HasPasswords() bool { return len(c.Passwords) > 0 || len(c.Users) > 0 }

// passwordInWords says whose password opens a feature.
func (c Config) passwordInWords(f Feature) string {
	login, one := c.Passwords[f]
	users, hasFile := c.Users[f]
	count := strconv.Itoa(len(users.Logins)) + " users"
	if len(users.Logins) == 1 {
		count = "1 user"
	}
	switch {
	case one && hasFile:
		return "password (user " + login.Username + ", " + count + " of " + users.File + ")"
	case hasFile:
		return "password (" + count + " of " + users.File + ")"
	default:
		return "password (user " + login.Username + ")"
	}
}
