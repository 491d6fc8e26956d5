package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"path"
	"strings"
)

// Most bytes of a file that are looked at. Keys are far smaller; a bundle of certificates with one fits too.
const (
	keySearch  = 1 << 20
	nameless   = 64 << 10 // size of files without an extension that are looked at
	jsonSearch = 64 << 10 // size of JSON files that are looked at
)

// check looks for a secret in the start of a file.
type check func(content []byte) (detail string)

// contentCheck returns the check that a file needs by its path, nil for most files.
func contentCheck(whole string, size int64) check {
	lower := strings.ToLower(whole)
	name := path.Base(lower)
	switch {
	case name == configName:
		return literalCredentials
	case strings.HasSuffix("/"+lower, "/.git/config"):
		return gitCredentials
	case name == ".npmrc":
		return npmToken
	}
	switch path.Ext(name) {
	case ".pem", ".key", ".p8", ".pk8", ".der", ".crt", ".cer", ".cert", ".asc", ".gpg", ".pgp":
		return privateKey
	case ".json":
		if size <= jsonSearch {
			return serviceAccount
		}
	case "", name: // no extension; a hidden file without one
		if size <= nameless {
			return privateKey
		}
	}
	return nil
}

// privateKey finds PEM, OpenSSH, OpenPGP and DER keys. A file of public certificates passes.
func privateKey(content []byte) string {
	const begin = "-----BEGIN "
	for rest := content; ; {
		at := bytes.Index(rest, []byte(begin))
		if at < 0 {
			break
		}
		rest = rest[at+len(begin):]
		label, _, ok := bytes.Cut(rest, []byte("-----"))
		if ok && bytes.Contains(label, []byte("PRIVATE KEY")) && !bytes.Contains(label, []byte("\n")) {
			return "private key"
		}
	}
	if bytes.HasPrefix(content, []byte{0x30}) { // an ASN.1 sequence
		_, pkcs8 := x509.ParsePKCS8PrivateKey(content)
		_, pkcs1 := x509.ParsePKCS1PrivateKey(content)
		_, ec := x509.ParseECPrivateKey(content)
		if pkcs8 == nil || pkcs1 == nil || ec == nil {
			return "private key"
		}
	}
	return ""
}

// serviceAccount finds the key file of a Google service account, whatever its name.
func serviceAccount(content []byte) string {
	if bytes.Contains(content, []byte(`"private_key"`)) && privateKey(content) != "" {
		return "private key"
	}
	return ""
}

func npmToken(content []byte) string {
	if bytes.Contains(content, []byte("_authToken")) || bytes.Contains(content, []byte("_password")) ||
		bytes.Contains(content, []byte("_auth=")) {
		return "credentials"
	}
	return ""
}

// gitCredentials finds a password in a remote's URL or a header that carries one.
func gitCredentials(content []byte) string {
	for line := range bytes.Lines(content) {
		_, address, isURL := bytes.Cut(line, []byte("://"))
		address, _, _ = bytes.Cut(address, []byte("/"))
		if isURL && bytes.Contains(address, []byte("@")) {
			return "credentials"
		}
		if bytes.Contains(bytes.ToLower(line), []byte("extraheader")) {
			return "credentials"
		}
	}
	return ""
}

// literalCredentials finds a config that carries a password itself and not by reference. It only matters where
// the config's include asks for that file.
func literalCredentials(content []byte) string {
	var config map[string]json.RawMessage
	if json.Unmarshal(content, &config) != nil {
		if bytes.Contains(content, []byte("authentication")) {
			return "credentials"
		}
		return ""
	}
	for key, value := range config {
		var login struct {
			Password any `json:"password"`
		}
		if !strings.HasPrefix(key, "authentication") {
			continue
		}
		_ = json.Unmarshal(value, &login) // another shape has no password
		if _, literal := login.Password.(string); literal {
			return "credentials"
		}
	}
	return ""
}

// readStart reads at most limit bytes.
func readStart(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}
