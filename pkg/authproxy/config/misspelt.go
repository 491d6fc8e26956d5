package config

import (
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/spelling"
)

// Misspelt returns those of names that are almost right for a user name or a password, each as the mistake for which
// From refuses it. Those that the project file refers to are right, however they look.
func Misspelt(names []string, p Project) []Mistake {
	var referred []string
	for _, ref := range p.Logins {
		referred = append(referred, ref.Username.Variable, ref.Password.Variable)
	}
	var wrong mistakes
	for _, name := range names {
		if meant := misspelt(name, names); meant != "" && !slices.Contains(referred, name) {
			wrong.addf(name, "unknown variable; did you mean %s?", meant)
		}
	}
	return wrong
}

// misspeltLogins reports names of user names and passwords that are almost right.
func (r *reader) misspeltLogins(names []string) {
	for _, one := range Misspelt(names, r.Project) {
		// On Windows the letters' case does not matter, and the variable is found under its right name as well.
		meant, _ := meantFor(one.Name)
		if found := strings.EqualFold(one.Name, meant) && !slices.Contains(names, meant) && r.isSet(meant); !found {
			r.wrong = append(r.wrong, one)
		}
	}
}

// misspelt returns what a name of a user name or password was meant to be, "" where it is right or not for us: a
// container's environment holds a PASSWORD_DB, or a USER_API, of others. names are all that are set.
func misspelt(name string, names []string) string {
	meant, sure := meantFor(name)
	if meant == "" || meant == name {
		return ""
	}
	if sure {
		return meant
	}
	for _, feature := range Features() { // a doubtful pair is a login's, unless that has its names already
		username, password := usernameKey(feature), passwordKey(feature)
		if meant != username && meant != password || slices.Contains(names, username) && slices.Contains(names, password) {
			continue
		}
		is := func(key string) bool {
			return contains(names, func(other string) bool { like, _ := meantFor(other); return like == key })
		}
		if is(username) && is(password) {
			return meant
		}
	}
	return ""
}

// meantFor returns the variable that a name is, or is like: with other letters, other separators, other words for user
// and password, or a slip in it. sure tells that nobody else would call something that.
func meantFor(name string) (key string, sure bool) {
	const slip = 2 // letters: one exchanged, two swapped, two left out
	plain := plainName(name)
	for _, feature := range Features() {
		what := plainName(string(feature))
		for _, half := range []struct {
			key   string
			words []string // the right one first
		}{{usernameKey(feature), []string{"username", "user", "login"}}, {passwordKey(feature), []string{"password", "pass", "passwd", "pwd"}}} {
			right := half.words[0] + what
			likely := len(plain)-len(right) <= 1 && spelling.Distance(plain, right, substitution) <= slip // more letters make another name: analytics_db
			switch {
			case plain == right:
				return half.key, true
			case feature == API && likely && plain != half.words[0]+"app", // three letters are soon like others
				feature != MainApp && contains(half.words, func(word string) bool { return plain == word+what }):
				return half.key, false
			case feature == MainApp && contains(half.words, func(word string) bool { return plain == word+what }),
				feature != API && likely:
				return half.key, true
			case feature == MainApp && (plain == what+half.words[0] || name == half.words[0]+"_main" || name == half.words[0]+"_app"):
				return half.key, false
			}
		}
	}
	return "", false
}

func contains(words []string, is func(string) bool) bool { return slices.ContainsFunc(words, is) }

// plainName leaves of a name what people do not confuse: its letters and digits, in lower case.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return -1
		}
	}, name)
}
