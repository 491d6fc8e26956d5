package secrets

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"path"
	"strings"
)

// Check looks for a secret in the start of a file and returns what it found, the zero Finding for nothing.
type Check func(content []byte) Finding

// LookLimit is how many bytes of a file a Check needs at most.
const LookLimit = 1 << 20

// small is the size of files, in bytes, which people write by hand.
const small = 64 << 10

// Suspicious returns the check that a file needs for its path, nil for most files. Private keys of the usual form are
// found by a Scanner under any name.
func Suspicious(whole string, size int64) Check {
	whole = strings.ToLower(whole)
	base := path.Base(whole)
	if ext := path.Ext(base); isOtherType(ext) && ext != ".sh" {
		return nil
	}
	n := newName(base)
	switch {
	case strings.Contains(n.text, "ploomber-cloud") && strings.Contains(n.text, ".json"):
		return noApp(literalCredentials)
	case strings.HasSuffix("/"+whole, "/.git/config"):
		return noApp(urlCredentials)
	case n.is(".npmrc"), n.is(".yarnrc"), n.is(".yarnrc.yml"):
		return noApp(npmToken)
	case n.is("pip.conf"), n.is("pip.ini"), n.is("uv.toml"), n.is(".condarc"), n.is(".wgetrc"), n.is(".curlrc"):
		return noApp(urlCredentials)
	}
	ext := path.Ext(n.core)
	switch ext {
	case ".pem", ".key", ".p8", ".pk8", ".der", ".crt", ".cer", ".cert", ".asc", ".gpg", ".pgp", ".sec":
		return found(keyFile)
	}
	if size > small {
		return nil
	}
	stem := strings.TrimSuffix(n.core, ext)
	switch {
	case mayBeEnv(whole, n):
		return found(assignments)
	case (strings.HasSuffix(stem, "credentials") || strings.HasSuffix(stem, "odbc") || strings.HasSuffix(stem, "pg_service")) && isSettings(ext):
		return found(passwords)
	case ext == ".json":
		return jsonSecrets
	case ext == "":
		return found(nameless)
	}
	return nil
}

// found and noApp make checks of functions that tell the kind of secret; noApp is for files that no app reads.
func found(look func([]byte) string) Check {
	return func(content []byte) Finding { return Finding{Detail: look(content)} }
}

func noApp(look func([]byte) string) Check {
	return func(content []byte) Finding {
		detail := look(content)
		return Finding{Detail: detail, Spare: detail != ""}
	}
}

func isSettings(ext string) bool {
	switch ext {
	case ".json", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".csv", ".xml", ".txt", ".properties", "":
		return true
	}
	return false
}

// passwords finds settings that hold a secret, by the names that are common for one.
func passwords(content []byte) string {
	lower := bytes.ToLower(content)
	for _, word := range []string{"password", "passwd", "pwd", "secret", "token", "access key", "access_key", "accesskey", "api_key", "apikey", "private_key"} {
		if bytes.Contains(lower, []byte(word)) {
			return credentials
		}
	}
	return ""
}

// keyFile finds keys in files whose names say that they hold one: the first line of a key is enough.
func keyFile(content []byte) string {
	const begin = "-----BEGIN "
	for rest := content; ; {
		at := bytes.Index(rest, []byte(begin))
		if at < 0 {
			break
		}
		rest = rest[at+len(begin):]
		label, _, ok := bytes.Cut(rest, []byte("-----"))
		if ok && bytes.Contains(label, []byte("PRIVATE KEY")) && !bytes.Contains(label, []byte("\n")) {
			return privateKeys
		}
	}
	return keyStore(content)
}

// nameless finds keys in files without an extension, where a text about keys does not begin as one.
func nameless(content []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("-----BEGIN ")) {
		return keyFile(content)
	}
	return ""
}

// pgpKey finds an OpenPGP packet with a secret key (RFC 9580, 4.2 and 5.5.3) at the start of a file, and another
// packet behind it.
func pgpKey(content []byte) bool {
	const oldSecretKey, newSecretKey = 0x94, 0xc5 // tag 5
	if len(content) < 16 {
		return false
	}
	head, size := 2, int(content[1])
	switch first := content[0]; {
	case first == oldSecretKey:
	case first == oldSecretKey+1:
		head, size = 3, int(binary.BigEndian.Uint16(content[1:]))
	case first == oldSecretKey+2:
		head, size = 5, int(binary.BigEndian.Uint32(content[1:]))
	case first == newSecretKey && size >= 192 && size < 224:
		head, size = 3, (size-192)<<8+int(content[2])+192
	case first == newSecretKey && size == 255:
		head, size = 6, int(binary.BigEndian.Uint32(content[2:]))
	case first != newSecretKey:
		return false
	}
	version, algorithm := content[head], content[head+5]
	if version < 3 || version > 6 || algorithm == 0 || algorithm > 3 && algorithm < 16 || algorithm > 28 || size <= 0 {
		return false
	}
	if head+size >= len(content) {
		return head+size == len(content)
	}
	next := content[head+size]
	return next&0x80 != 0 && (next&0x40 != 0 || next&3 < 3)
}

// keyStore finds keys in binary form, by the start of a file: DER, PKCS #12, Java's and KeePass's stores, OpenPGP.
func keyStore(content []byte) string {
	for _, magic := range []string{
		"\xfe\xed\xfe\xed",                 // JKS
		"\xce\xce\xce\xce",                 // JCEKS
		"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", // KeePass
		"SSH PRIVATE KEY FILE FORMAT 1.1\n",
	} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return privateKeys
		}
	}
	if pgpKey(content) {
		return privateKeys
	}
	if !bytes.HasPrefix(content, []byte{0x30}) || len(content) > small { // an ASN.1 sequence
		return ""
	}
	// RFC 7292, 4: version 3, then the content type data of PKCS #7.
	if front := content[:min(len(content), 64)]; bytes.Contains(front, []byte("\x02\x01\x03\x30")) &&
		bytes.Contains(front, []byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")) {
		return privateKeys
	}
	// An encrypted PKCS #8 key begins with the object identifier of a scheme of PKCS #5 (RFC 8018) or #12.
	start := content[:min(len(content), 32)]
	if bytes.Contains(start, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x05")) || bytes.Contains(start, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01")) {
		return privateKeys
	}
	_, pkcs8 := x509.ParsePKCS8PrivateKey(content)
	_, pkcs1 := x509.ParsePKCS1PrivateKey(content)
	_, ec := x509.ParseECPrivateKey(content)
	if pkcs8 == nil || pkcs1 == nil || ec == nil {
		return privateKeys
	}
	return ""
}

// jsonSecrets finds logins that Google's tools store, and configurations of this program with a password in clear,
// whatever the file's name.
func jsonSecrets(content []byte) Finding {
	switch {
	case hasValue(content, "refresh_token") && hasValue(content, "client_secret"):
		return Finding{Detail: credentials}
	case bytes.Contains(content, []byte(`"authentication`)) && bytes.Contains(content, []byte(`"id"`)) && bytes.Contains(content, []byte(`"type"`)) &&
		json.Valid(content):
		return noApp(literalCredentials)(content)
	}
	return Finding{}
}

func npmToken(content []byte) string {
	for _, word := range []string{"_authToken", "_password", "_auth=", "npmAuthToken", "npmAuthIdent"} {
		if bytes.Contains(content, []byte(word)) {
			return credentials
		}
	}
	return urlCredentials(content)
}

// urlCredentials finds a password in a URL or a header that carries one.
func urlCredentials(content []byte) string {
	for line := range bytes.Lines(content) {
		for rest := line; ; {
			scheme, address, isURL := bytes.Cut(rest, []byte("://"))
			if !isURL {
				break
			}
			host, _, _ := bytes.Cut(address, []byte("/"))
			user, _, hasUser := bytes.Cut(host, []byte("@"))
			if hasUser && (bytes.Contains(user, []byte(":")) || !bytes.HasSuffix(scheme, []byte("ssh"))) {
				return credentials
			}
			rest = address
		}
		if lower := bytes.ToLower(line); bytes.Contains(lower, []byte("extraheader")) || bytes.Contains(lower, []byte("authorization:")) {
			return credentials
		}
	}
	return ""
}

// literalCredentials finds a configuration that carries a password itself and not by reference.
func literalCredentials(content []byte) string {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	var config map[string]json.RawMessage
	if json.Unmarshal(content, &config) != nil {
		if bytes.Contains(content, []byte("authentication")) {
			return credentials
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
			return credentials
		}
	}
	return ""
}
