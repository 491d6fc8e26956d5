package proxycmd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// certify writes a certificate of 127.0.0.1 with a name, and its key, and returns them with a pool that trusts it.
func certify(t *testing.T, dir, name string, ends time.Time) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
		NotBefore: ends.Add(-48 * time.Hour), NotAfter: ends, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	err = errors.Join(os.WriteFile(certFile, chain, 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return certFile, keyFile, pool
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tomorrow := time.Now().Add(24 * time.Hour)
	cert, key, _ := certify(t, dir, "right", tomorrow)
	_, otherKey, _ := certify(t, dir, "other", tomorrow)
	oldCert, oldKey, _ := certify(t, dir, "old", time.Now().Add(-time.Hour))
	for name, tc := range map[string]struct {
		cert, key string
		want      string // what is wrong
		warns     string
	}{
		"none":            {},
		"a pair":          {cert: cert, key: key},
		"expired":         {cert: oldCert, key: oldKey, warns: "old.crt: the certificate expired at "},
		"no key":          {cert: cert, want: "--tls-key: is missing"},
		"no certificate":  {key: key, want: "--tls-cert: is missing"},
		"of another":      {cert: cert, key: otherKey, want: "--tls-cert: " + cert + " and " + otherKey + " are not a matching certificate and key"},
		"the wrong way":   {cert: key, key: cert, want: "--tls-cert: "},
		"files not there": {cert: "x.crt", key: "x.key", want: "the configuration has 2 mistakes:\n  - --tls-cert: open "},
		"one file only":   {cert: cert, key: "x.key", want: "--tls-key: open "},
		"a folder":        {cert: dir, key: key, want: "--tls-cert: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, cmdtest.New(t, nil))
			o.TLSCert, o.TLSKey = tc.cert, tc.key
			var wrong mistakes
			var warned []string
			got := o.certificate(&wrong, func(text string) { warned = append(warned, text) })
			said := (&config.Error{Mistakes: wrong}).Error()
			if (got != nil) != (tc.cert != "" && tc.want == "") || tc.want == "" && len(wrong) > 0 || !strings.HasPrefix(said, tc.want) {
				t.Errorf("certificate %v; %q, want %q", got != nil, said, tc.want)
			}
			if all := strings.Join(warned, "\n"); (all == "") != (tc.warns == "") || !strings.Contains(all, tc.warns) {
				t.Errorf("warned %q, want %q", all, tc.warns)
			}
			if strings.Contains(said, "PRIVATE") {
				t.Error(said)
			}
		})
	}
}
