package remote

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// authority is a self-made one, with a server that it vouches for.
type authority struct {
	pem    []byte
	server *httptest.Server
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return authority{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), s}
}

func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// findOpenSSL returns the path of openssl, which the test command installs.
func findOpenSSL(t *testing.T) string {
	t.Helper()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("openssl is not installed")
	}
	return openssl
}

// trust returns the certificate as 'openssl x509 -trustout' writes it, with an option such as -addtrust.
func (a authority) trust(t *testing.T, option, use string) []byte {
	t.Helper()
	openssl := findOpenSSL(t)
	c := exec.Command(openssl, "x509", "-trustout", option, use)
	c.Stdin = bytes.NewReader(a.pem)
	out, err := c.Output()
	if err != nil || !bytes.Contains(out, []byte("TRUSTED CERTIFICATE")) {
		t.Fatalf("%v: %s", err, out)
	}
	return out
}

// TestBundles compares what is trusted with what Python trusts, whose requests take a file as cafile, a folder as capath.
func TestBundles(t *testing.T) {
	t.Parallel()
	mine, other := newAuthority(t, "mine"), newAuthority(t, "other")
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, []byte("\n")) }
	for name, tc := range map[string]struct {
		file   []byte
		folder map[string][]byte
		rehash bool
		later  map[string][]byte // comes after the rehash
		trusts bool
	}{
		"a file":                   {file: mine.pem, trusts: true},
		"another authority":        {file: other.pem},
		"two in one file":          {file: join(other.pem, mine.pem), trusts: true},
		"with comments":            {file: join([]byte("# other\n"), other.pem, []byte("\nMine\n====\n"), mine.pem, []byte("the end")), trusts: true},
		"lines of Windows":         {file: bytes.ReplaceAll(mine.pem, []byte("\n"), []byte("\r\n")), trusts: true},
		"no line break at the end": {file: bytes.TrimRight(mine.pem, "\n"), trusts: true},
		"a key before":             {file: join(newKey(t), mine.pem), trusts: true},
		"the old name":             {file: bytes.ReplaceAll(mine.pem, []byte(" CERTIFICATE"), []byte(" X509 CERTIFICATE")), trusts: true},
		"trusted for servers":      {file: mine.trust(t, "-addtrust", "serverAuth"), trusts: true},
		"trusted for everything":   {file: mine.trust(t, "-addtrust", "anyExtendedKeyUsage"), trusts: true},
		"trusted with a name":      {file: mine.trust(t, "-setalias", "mine"), trusts: true},
		"trusted for mail":         {file: join(other.pem, mine.trust(t, "-addtrust", "emailProtection"))},
		"rejected for servers":     {file: join(other.pem, mine.trust(t, "-addreject", "serverAuth"))},
		"rejected for mail":        {file: mine.trust(t, "-addreject", "emailProtection"), trusts: true},
		"a rehashed folder":        {folder: map[string][]byte{"mine.pem": mine.pem, "other.crt": other.pem, "README": []byte("x")}, rehash: true, trusts: true},
		"without the authority":    {folder: map[string][]byte{"other.pem": other.pem}, rehash: true},
		"not rehashed again":       {folder: map[string][]byte{"other.pem": other.pem}, rehash: true, later: map[string][]byte{"mine.pem": mine.pem}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "place")
			kind := "cafile"
			if tc.folder != nil {
				kind = "capath"
				writeAll(t, path, tc.folder)
				openssl := findOpenSSL(t)
				if out, err := exec.Command(openssl, "rehash", path).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				writeAll(t, path, tc.later)
			} else if err := os.WriteFile(path, tc.file, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, variable := range []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
				if got := reaches(t, mine.server, map[string]string{variable: path}); got != tc.trusts {
					t.Errorf("%s: trusted %v, want %v", variable, got, tc.trusts)
				}
			}
			if python, err := exec.LookPath("python3"); err == nil {
				const code = "import ssl, sys, socket\n" +
					"c = ssl.create_default_context(**{sys.argv[1]: sys.argv[2]})\n" +
					"c.check_hostname = False\n" +
					"host, port = sys.argv[3].split(':')\n" +
					"c.wrap_socket(socket.create_connection((host, int(port))))\n"
				out, err := exec.Command(python, "-c", code, kind, path, mine.server.Listener.Addr().String()).CombinedOutput()
				if (err == nil) != tc.trusts {
					t.Errorf("Python trusts %v, want %v: %s", err == nil, tc.trusts, out)
				}
			}
		})
	}
}

// What Python does not take, and hurts nobody.
func TestBundlesBeyondPython(t *testing.T) {
	t.Parallel()
	mine, other := newAuthority(t, "mine"), newAuthority(t, "other")
	bom := write(t, "bom.pem", append([]byte("\ufeff"), mine.pem...))
	folder := filepath.Join(t.TempDir(), "several")
	writeAll(t, folder, map[string][]byte{"a.pem": other.pem, "b.crt": mine.pem, "notes.txt": []byte("x"), "empty": nil})
	if err := os.Symlink("nowhere", filepath.Join(folder, "dangling.pem")); err != nil {
		t.Log("no links here:", err)
	}
	for name, vars := range map[string]map[string]string{
		"a byte order mark":            {"REQUESTS_CA_BUNDLE": bom},
		"a folder without hashes":      {"REQUESTS_CA_BUNDLE": folder},
		"one of two folders":           {"SSL_CERT_DIR": filepath.Join(folder, "gone") + string(filepath.ListSeparator) + folder},
		"a missing SSL_CERT_DIR":       {"SSL_CERT_DIR": "/gone", "REQUESTS_CA_BUNDLE": bom},
		"the first of Python's, alone": {"REQUESTS_CA_BUNDLE": bom, "CURL_CA_BUNDLE": "/gone"},
	} {
		if !reaches(t, mine.server, vars) {
			t.Errorf("%s: not trusted", name)
		}
	}
	hidden := map[string]string{"REQUESTS_CA_BUNDLE": write(t, "other.pem", other.pem), "CURL_CA_BUNDLE": bom}
	if reaches(t, mine.server, hidden) {
		t.Error("CURL_CA_BUNDLE counts beside REQUESTS_CA_BUNDLE")
	}
}

// Every place that cannot be used is named with its variable.
func TestPlacesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	noise := filepath.Join(t.TempDir(), "noise")
	writeAll(t, noise, map[string][]byte{"a.txt": []byte("x"), "5ed36f99.0": []byte("x"), "b.pem": []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")})
	for _, path := range []string{empty, noise, filepath.Join(empty, "gone"), write(t, "text", []byte("x"))} {
		for _, variable := range []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"} {
			_, err := Transport(Options{Lookup: env(map[string]string{variable: path})})
			if err == nil || !strings.Contains(err.Error(), variable) || strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s=%s: %v", variable, path, err)
			}
		}
	}
}

// reaches reports whether the server is trusted with these variables.
func reaches(t *testing.T, s *httptest.Server, vars map[string]string) bool {
	t.Helper()
	rt, err := Transport(Options{Lookup: env(vars)})
	if err != nil {
		t.Errorf("%v: %v", vars, err)
		return false
	}
	defer (&http.Client{Transport: rt}).CloseIdleConnections()
	err = (&Client{Transport: rt, Retry: httpclient.Retry{Max: -1}}).Get(t.Context(), Request{URL: s.URL, Limit: 10}, io.Discard)
	if err != nil && !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	return err == nil
}

func writeAll(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
