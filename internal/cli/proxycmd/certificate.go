package proxycmd

import (
	"crypto/tls"
	"fmt"
	"os"
	"time"
)

// certificate loads the files named by the flags; nil if none are.
func (o *Options) certificate(wrong *mistakes, warn func(string)) *tls.Certificate {
	switch {
	case o.TLSCert == "" && o.TLSKey == "":
		return nil
	case o.TLSCert == "":
		wrong.addf(o.named("tls-cert"), "is missing: %s needs its certificate", o.named("tls-key"))
		return nil
	case o.TLSKey == "":
		wrong.addf(o.named("tls-key"), "is missing: %s needs its key", o.named("tls-cert"))
		return nil
	}
	chain, err := os.ReadFile(o.inFolder(o.TLSCert))
	if err != nil {
		wrong.addf(o.named("tls-cert"), "%w", err)
	}
	key, keyErr := os.ReadFile(o.inFolder(o.TLSKey))
	if keyErr != nil {
		wrong.addf(o.named("tls-key"), "%w", keyErr)
	}
	if err != nil || keyErr != nil {
		return nil
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		wrong.addf(o.named("tls-cert"), "%s and %s are not a matching certificate and key: %w", o.TLSCert, o.TLSKey, err)
		return nil
	}
	if end := pair.Leaf.NotAfter; o.Now().After(end) {
		warn(fmt.Sprintf("%s: the certificate expired at %s", o.TLSCert, end.UTC().Format(time.RFC3339)))
	}
	return &pair
}

// tlsConfig looks up the certificate for each connection, so that it can be replaced while connections are open. It is
// nil without a certificate.
func (r *running) tlsConfig() *tls.Config {
	if r.certificate.Load() == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return r.certificate.Load(), nil
		},
	}
}
