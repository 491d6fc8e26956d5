package bundle

import (
	"path"
	"strings"
)

// secretFolder finds folders that hold nothing but credentials.
func secretFolder(name string) (Rule, bool) {
	lower := strings.ToLower(name)
	switch {
	case isEnv(lower):
		return Rule{Kind: Secret, Detail: "environment file"}, true
	case lower == ".ssh", lower == ".gnupg":
		return Rule{Kind: Secret, Detail: "private keys"}, true
	case lower == ".aws":
		return Rule{Kind: Secret, Detail: "credentials"}, true
	default:
		return Rule{}, false
	}
}

// secretFile finds files that hold credentials by convention, by their path in the project. The list is short on
// purpose: nobody should have to wonder why an ordinary file is missing.
func secretFile(whole string) (Rule, bool) {
	lower := strings.ToLower(whole)
	name := path.Base(lower)
	parent := path.Base(path.Dir(lower))
	detail := ""
	switch {
	case isEnv(name):
		detail = "environment file"
	case path.Ext(name) == ".htpasswd": // .htpasswd itself, too
		detail = "password file"
	case isPrivateKeyName(name):
		detail = "private key"
	case parent == ".streamlit" && name == "secrets.toml":
		detail = "Streamlit secrets"
	case parent == ".docker" && name == "config.json", parent == ".kube" && name == "config",
		strings.HasSuffix("/"+lower, "/.ploomber/stats/config.yaml"):
		detail = "credentials"
	default:
		switch name {
		case ".netrc", "_netrc", ".pypirc", ".pgpass", ".my.cnf", ".git-credentials", ".dockercfg",
			"application_default_credentials.json":
			detail = "credentials"
		}
	}
	return Rule{Kind: Secret, Detail: detail}, detail != ""
}

// isEnv finds .env, its variants (.env.local, .env-prod, .envrc, .envs) and the copy that the Python tool makes
// while it runs, but not the samples that are written to be shared. name is in lower case.
func isEnv(name string) bool {
	if name == "copy_.env" || strings.HasPrefix(name, "copy_.env.") {
		return true
	}
	rest, ok := strings.CutPrefix(name, ".env")
	if !ok {
		return false
	}
	words := strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune("._-", r) })
	if len(words) == 0 {
		return true
	}
	switch words[len(words)-1] {
	case "example", "sample", "template", "dist":
		return false
	default:
		return true
	}
}

// isPrivateKeyName finds key files and key stores that need no look inside. name is in lower case.
func isPrivateKeyName(name string) bool {
	switch name {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "id_xmss":
		return true
	}
	switch path.Ext(name) {
	case ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx":
		return true
	}
	return false
}

// secretPath applies the rules for names to a whole path: to the target of a link, whose folders the walk has
// not passed.
func secretPath(whole string) (Rule, bool) {
	for dir := path.Dir(whole); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if rule, ok := secretFolder(path.Base(dir)); ok {
			return rule, true
		}
	}
	return secretFile(whole)
}
