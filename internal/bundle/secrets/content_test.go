package secrets_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle/secrets"
)

// search scans a content as the packer does, in blocks.
func search(content []byte, block int, paths ...string) string {
	var s secrets.Scanner
	s.Start(int64(len(content)), paths...)
	for first := true; first || len(content) > 0; first = false {
		n := min(len(content), block)
		if f := s.Next(content[:n]); f.Detail != "" {
			return f.Detail
		}
		content = content[n:]
	}
	return ""
}

// keys makes real keys in the forms that programs write.
func keys(t *testing.T) map[string][]byte {
	t.Helper()
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(label string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
	}
	noise := make([]byte, 400)
	_, _ = rand.Read(noise)
	list := map[string][]byte{
		"PKCS #1":           block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)),
		"PKCS #8 RSA":       block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(rsaKey))),
		"PKCS #8 EC":        block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ecKey))),
		"PKCS #8 Ed25519":   block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(edKey))),
		"SEC 1":             block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey))),
		"OpenSSH":           block("OPENSSH PRIVATE KEY", append([]byte("openssh-key-v1\x00"), noise...)),
		"encrypted PKCS #8": block("ENCRYPTED PRIVATE KEY", append([]byte{0x30, 0x82, 1, 0x8c}, noise...)),
		"encrypted PKCS #1": pem.EncodeToMemory(&pem.Block{
			Type: "RSA PRIVATE KEY", Bytes: noise, Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"},
		}),
		"OpenPGP": []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n" + wrap(append([]byte{0x95, 3, 0xbe, 4}, noise...)) +
			"=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n"),
		"ssh.com": []byte("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: \"ana\"\n" + wrap(noise) + "---- END SSH2 ENCRYPTED PRIVATE KEY ----\n"),
		"DER":     must(x509.MarshalPKCS8PrivateKey(ecKey)), "DER, PKCS #1": x509.MarshalPKCS1PrivateKey(rsaKey), "DER, SEC 1": must(x509.MarshalECPrivateKey(ecKey)),
		"JKS":                append([]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"), noise...),
		"PuTTY":              []byte("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: ana\nPublic-Lines: 2\nAAAA\nBBBB\nPrivate-Lines: 1\n" + wrap(noise[:48]) + "Private-MAC: 00\n"),
		"JWK":                []byte(`{"kty":"EC","crv":"P-256","x":"` + url(noise[:32]) + `","y":"` + url(noise[32:64]) + `","d":"` + url(noise[64:96]) + `"}`),
		"JWK set":            []byte(`{"keys": [{"kty": "RSA", "n": "` + url(noise[:256]) + `", "e": "AQAB"}, {"d" : "` + url(noise[:256]) + `", "kty": "RSA"}]}`),
		"JWK, symmetric":     []byte(`{"kty":"oct","k":"` + url(noise[:32]) + `"}`),
		"JWK in an env file": []byte(`JWK="{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"` + url(noise[:32]) + `\"}"`),
		"age":                []byte("# created: 2026\nAGE-SECRET-KEY-1" + strings.Repeat("QPZRY9X8GF2TVDW0", 4)[:58] + "\n"),
		"WireGuard":          []byte("[Interface]\nAddress = 10.0.0.1/24\nPrivateKey = " + base64.StdEncoding.EncodeToString(noise[:32]) + "\n"),
		"minisign":           []byte("untrusted comment: minisign encrypted secret key\n" + wrap(noise)),
	}
	p12, err := hex.DecodeString("308209c10201033082098706092a864886f70d010701a082097804820974")
	if err != nil {
		t.Fatal(err)
	}
	list["PKCS #12"] = append(p12, noise...)
	return list
}

func wrap(raw []byte) string {
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	for len(text) > 64 {
		b.WriteString(text[:64] + "\n")
		text = text[64:]
	}
	return b.String() + text + "\n"
}

func url(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func TestKeysUnderAnyName(t *testing.T) {
	t.Parallel()
	for name, key := range keys(t) {
		if search(key, 1<<20, "notes.txt", "notes.txt") == "" {
			t.Errorf("%s: not found in\n%.300q", name, key)
		}
		if !bytes.Contains(key, []byte("-- BEGIN ")) && !bytes.Contains(key, []byte("--BEGIN ")) {
			continue
		}
		quoted, err := json.Marshal(string(key))
		if err != nil {
			t.Fatal(err)
		}
		program := strings.ReplaceAll(strings.TrimSpace(string(key)), "\n", "\\n\"\n    \"")
		for form, content := range map[string]string{
			"in JSON":                    `{"type": "service_account", "private_key": ` + string(quoted) + `}`,
			"in JSON in an env file":     "KEY=" + strings.ReplaceAll(string(quoted), `\n`, `\\n`) + "\n",
			"in YAML":                    "key: |\n  " + strings.ReplaceAll(string(key), "\n", "\n  "),
			"in a program":               "KEY = (\n    \"" + program + "\"\n)\n",
			"in a notebook":              "[\n \"k = '''" + strings.ReplaceAll(strings.TrimSpace(string(key)), "\n", "\\n\",\n    \"") + "'''\"\n]",
			"in a comment":               "# " + strings.ReplaceAll(string(key), "\n", "\n# "),
			"in a document":              "> " + strings.ReplaceAll(string(key), "\n", "\r\n> "),
			"behind much else":           strings.Repeat("some text, about nothing;\n", 100_000) + string(key),
			"behind a certificate":       certificate + string(key),
			"its first lines":            strings.Join(strings.SplitAfter(string(key), "\n")[:min(6, strings.Count(string(key), "\n")-1)], ""),
			"in base64, for Kubernetes":  "tls.key: " + base64.StdEncoding.EncodeToString(key),
			"in UTF-16, from PowerShell": wideText(binary.LittleEndian, 2, "\ufeff"+string(key)),
			"in UTF-16, behind a log":    wideText(binary.LittleEndian, 2, "\ufeff"+strings.Repeat("a line of it\r\n", 50_000)+string(key)),
			"in UTF-16 without a mark":   wideText(binary.LittleEndian, 2, string(key)),
			"in UTF-16, the other order": wideText(binary.BigEndian, 2, string(key)),
			"in UTF-32":                  wideText(binary.LittleEndian, 4, string(key)),
			"in UTF-32, the other order": wideText(binary.BigEndian, 4, string(key)),
		} {
			if form == "its first lines" && len(content) < 300 {
				continue
			}
			if form == "in base64, for Kubernetes" && name == "ssh.com" {
				continue // has four dashes, and nobody does that
			}
			if search([]byte(content), 1<<20, "notes.txt") == "" {
				t.Errorf("%s, %s: not found in\n%.400q", name, form, content)
			}
		}
	}
}

// wideText encodes text of the basic plane with size bytes a character.
func wideText(order binary.AppendByteOrder, size int, text string) string {
	var b []byte
	for _, r := range text {
		if size == 2 {
			b = order.AppendUint16(b, uint16(r))
		} else {
			b = order.AppendUint32(b, uint32(r))
		}
	}
	return string(b)
}

// TestKeyAcrossBlocks puts the end of a block at each place in and before a key.
func TestKeyAcrossBlocks(t *testing.T) {
	t.Parallel()
	key := keys(t)["PKCS #8 EC"]
	const before = 10_000
	content := append(bytes.Repeat([]byte("x\n"), before/2), key...)
	content = append(content, bytes.Repeat([]byte("y\n"), 20_000)...)
	for block := before - 10; block < before+len(key)+10; block++ {
		if search(content, block, "a.txt") == "" {
			t.Errorf("not found with the key at %d and blocks of %d bytes", before, block)
		}
	}
}

const certificate = "-----BEGIN CERTIFICATE-----\nMIIBszCCARygAwIBAgIBATANBgkqhkiG9w0BAQsFADAAMB4XDTI2MDEwMTAwMDAw\n-----END CERTIFICATE-----\n"

// TestNoKeys is the other half: what speaks of keys and has none.
func TestNoKeys(t *testing.T) {
	t.Parallel()
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&ecKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"public key": "-----BEGIN PUBLIC KEY-----\n" + wrap(public) + "-----END PUBLIC KEY-----\n", "public DER": string(public), "certificate": certificate,
		"public key of OpenPGP": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + wrap(public) + "-----END PGP PUBLIC KEY BLOCK-----\n", "public key of SSH": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ana\n",
		"code that looks for one":     "if \"-----BEGIN RSA PRIVATE KEY-----\" in text:\n    raise ValueError(\"a private key in the configuration was found\")\n",
		"code that makes one":         "pem = '-----BEGIN PRIVATE KEY-----\\n' + '\\n'.join(textwrap.wrap(b64encode(der).decode(), 64)) + '\\n-----END PRIVATE KEY-----\\n'\n",
		"code that strips one":        `key.replace("-----BEGIN PRIVATE KEY-----", "").replace("-----END PRIVATE KEY-----", "").replaceAll("\\s", "")`,
		"expression":                  `re.compile(r"-----BEGIN (RSA |EC )?PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END (RSA |EC )?PRIVATE KEY-----")`,
		"constants":                   "BEGIN = \"-----BEGIN OPENSSH PRIVATE KEY-----\"\nEND = \"-----END OPENSSH PRIVATE KEY-----\"\n",
		"document with dots":          "```\n-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n```\n",
		"document with a beginning":   "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7...\n-----END PRIVATE KEY-----\n",
		"document with a short one":   "-----BEGIN RSA PRIVATE KEY-----\nMIIE...\n-----END RSA PRIVATE KEY-----\n",
		"document with words":         "-----BEGIN PRIVATE KEY-----\nyour private key goes here and nowhere else in this project please\n-----END PRIVATE KEY-----\n",
		"document with one word":      "-----BEGIN PRIVATE KEY-----\nYOURPRIVATEKEY\n-----END PRIVATE KEY-----\n",
		"document with angles":        "-----BEGIN PRIVATE KEY-----\n<contents of the key file>\n-----END PRIVATE KEY-----\n",
		"document with x":             "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("x", 64) + "\n" + strings.Repeat("x", 64) + "\n-----END PRIVATE KEY-----\n",
		"sentence":                    "A key begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----, with base64 between them.\n",
		"service account's sample":    `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n"}`,
		"service account's sample, 2": `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nYOUR_KEY\n-----END PRIVATE KEY-----\n"}`,
		"service account's sample, 3": `{"type": "service_account", "private_key": "<your key>"}`, "no key": `{"private_key": "none", "client_email": "a@example.com"}`,
		"code for a service account": `info = {"private_key": "-----BEGIN PRIVATE KEY-----\n" + os.environ["KEY"] + "\n-----END PRIVATE KEY-----"}`,
		"public JWK":                 `{"keys":[{"kty":"RSA","n":"` + url(public) + url(public) + `","e":"AQAB","alg":"RS256","use":"sig"}]}`, "JWK in words": `{"kty": "EC", "d": "..."}`,
		"code with WireGuard": "PrivateKey = base64.b64encode(key).decode()\nPrivateKey == other\n",
		"code with JWK":       `if jwk["kty"] == "EC" and "d" in jwk: private = jwk["d"]`, "code with age": `line.startswith("AGE-SECRET-KEY-1")`, "code with PuTTY": `if head.startswith("PuTTY-User-Key-File-2"):`,
		"empty": "", "the words": "PRIVATE KEY", "heading": "# PRIVATE KEY\n\n-----\nabc", "ASN.1": "\x30\x03\x02\x01\x05",
	} {
		if got := search([]byte(content), 1<<20, "notes.txt", "docs/keys.md"); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestSuspicious has files whose name asks for a look.
func TestSuspicious(t *testing.T) {
	t.Parallel()
	const label = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"
	const clear, reference = `{"id": "a", "type": "dash", "authentication": {"username": "u", "password": "p"}}`,
		`{"id": "a", "type": "dash", "authentication": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`
	for name, tc := range map[string]struct{ secret, plain string }{
		"server.key": {label, certificate}, "server.pem.bak": {label, certificate}, "a.CRT": {label, certificate}, "deploy_key": {label, "about -----BEGIN PRIVATE KEY-----"}, ".hidden": {label, "x"},
		"keys.gpg": {"\x95\x00\x2e\x04\x66\x00\x00\x00\x01" + strings.Repeat("k", 40) + "\xb4\x01a", "\x99\x00\x2e\x04\x66\x00\x00\x00\x01" + strings.Repeat("k", 40) + "\xb4\x01a"},
		".npmrc":   {"//x/:_authToken=1", "registry=https://x"}, ".npmrc.bak": {"//x/:_authToken=1", "registry=https://x"}, ".yarnrc.yml": {"npmAuthToken: x", "nodeLinker: pnp"},
		"pip.conf":            {"[global]\nindex-url = https://ana:hush@example.com/simple\n", "[global]\nindex-url = https://example.com/simple\n"},
		"ploomber-cloud.json": {clear, reference}, "ploomber-cloud.staging.json": {clear, reference}, "ploomber-cloud-old.json.bak": {clear, reference}, "ploomber-cloud (1).json": {clear, reference}, "conf/staging.json": {clear, reference},
		"env": {"A=hush\n", "a plan of the environment\n"}, "env.production": {"export A='hush'\nB=1\n", "x"}, "env.txt": {"# c\nA=hush\n", "A list of words\nB another\n"}, "environment": {"DB_URL=x\n", "Python 3.12\n"},
		".environment": {"A=hush", "x"}, "deploy/env.sh": {"#!/bin/sh\nexport TOKEN=hush\n", "#!/bin/sh\nset -e\nA=1\nrun $A\n"}, "envs/prod": {"A=hush\n", "x\n"}, ".webenv": {"A=hush\n", "x\n"}, "dotenv.txt": {"A=hush", "x"},
		"gcp-credentials.json": {`{"client_secret": "x"}`, `{"name": "credentials"}`}, "credentials.toml": {"password = 'x'", "title = 'x'"}, ".odbc.ini": {"PWD=x", "Driver=x"},
		"env.list": {"A=hush\n", "numpy=1.26.4=py311h64a7726_0\n_libgcc_mutex=0.1=main\n"}, "environment.txt": {"db_password=hush\n", "numpy==1.26\npandas=2.1\n"},
		"token.json": {`{"refresh_token": "1//0gAbCdEfGhIjKlMnOpQrSt", "client_secret": "GOCSPX-AbCdEfGhIjKlMnOpQr"}`,
			`{"properties": {"refresh_token": {"type": "string"}, "client_secret": {"type": "string"}}}`},
	} {
		if search([]byte(tc.secret), 1<<20, name) == "" {
			t.Errorf("%s: nothing found in %q", name, tc.secret)
		}
		if got := search([]byte(tc.plain), 1<<20, name); got != "" {
			t.Errorf("%s: %s in %q", name, got, tc.plain)
		}
	}
}

// FuzzScanner holds that no bytes make the scanner fail, and that it finds a key behind all of them.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\\n"), uint16(64))
	f.Add([]byte(`{"kty":"EC","d":"`), uint16(7))
	f.Add([]byte("PRIVATE KEY LS0tLS1CRUdJTi AGE-SECRET-KEY-1 \xff\xfe"), uint16(1))
	der := make([]byte, 138)
	_, _ = rand.Read(der)
	der[0] = 0x30
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	f.Fuzz(func(t *testing.T, before []byte, block uint16) {
		content := fmt.Appendf(append([]byte{}, before...), "\n%s", key)
		if search(content, max(int(block), len(key)), "a.txt") == "" {
			t.Errorf("not found behind %q", before)
		}
	})
}

// FuzzFile holds that no name makes the rules fail, and that a copy of a secret file is one.
func FuzzFile(f *testing.F) {
	for _, name := range listed {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if _, ok := secrets.File(name); !ok || strings.HasSuffix(name, "/") {
			return
		}
		for _, copied := range []string{name + "~", name + ".bak", name + ".swp"} {
			if _, ok := secrets.File(copied); !ok {
				t.Errorf("%q is secret, %q is not", name, copied)
			}
		}
	})
}
