package remote

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// bundle is the content of a file with certificate authorities.
type bundle []byte

// Authorities returns the certificate authorities that are trusted: the system's and those of all CA files and
// folders. It is nil, which means the system's, where there are none. Only o.CAFiles and o.Lookup count. Errors are those
// of Transport.
func Authorities(o Options) (*x509.CertPool, error) {
	if o.Lookup == nil {
		o.Lookup = func(string) string { return "" }
	}
	bundles, err := readBundles(o)
	if err != nil || len(bundles) == 0 {
		return nil, err
	}
	return withSystem(bundles), nil
}

func withSystem(bundles []bundle) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without certificates of its own
	}
	for _, b := range bundles {
		b.each(func(c *x509.Certificate, err error) bool {
			if err == nil {
				pool.AddCert(c)
			}
			return true
		})
	}
	return pool
}

// readBundles returns the content of all CA files. Each place that is named has at least one certificate, but for the
// folders of SSL_CERT_DIR, which OpenSSL passes over where they are not there.
func readBundles(o Options) ([]bundle, error) {
	type source struct {
		from, path string
		optional   bool
	}
	var sources []source
	for _, path := range o.CAFiles {
		sources = append(sources, source{from: "CA file", path: path})
	}
	for _, path := range filepath.SplitList(o.Lookup("SSL_CERT_DIR")) {
		sources = append(sources, source{"CA folder of SSL_CERT_DIR", path, true})
	}
	python := "REQUESTS_CA_BUNDLE" // hides the other one, as in Python's requests
	if o.Lookup(python) == "" {
		python = "CURL_CA_BUNDLE"
	}
	for _, name := range []string{"SSL_CERT_FILE", python} {
		if path := o.Lookup(name); path != "" {
			sources = append(sources, source{from: "CA file of " + name, path: path})
		}
	}
	var all []bundle
	for _, s := range sources {
		found, err := readPlace(s.path)
		var unread *fs.PathError
		switch {
		case err == nil:
			all = append(all, found...)
		case s.optional:
		case errors.As(err, &unread): // names the path
			return nil, fmt.Errorf("%s: %w", s.from, err)
		default:
			return nil, fmt.Errorf("%s %s: %w", s.from, s.path, err)
		}
	}
	return all, nil
}

// readPlace reads a file or a folder. What is read has at least one certificate.
func readPlace(path string) ([]bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read-only: nothing to lose
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return readFolder(path)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return []bundle{data}, bundle(data).check()
}

// readFolder reads a folder as OpenSSL does: of one that 'openssl rehash' has prepared, the files that it has named by
// the hashes of their subjects; a certificate that it does not know is not trusted. Of another folder, all files.
func readFolder(path string) ([]bundle, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var named, others []bundle
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() { // a dangling link, a folder
			continue
		}
		data, err := os.ReadFile(file)
		switch {
		case err != nil || bundle(data).check() != nil:
		case isHash(e.Name()):
			named = append(named, data)
		default:
			others = append(others, data)
		}
	}
	switch {
	case len(named) > 0:
		return named, nil
	case len(others) > 0:
		return others, nil
	}
	return nil, errors.New("it contains no file with a PEM certificate")
}

// isHash tells the names that 'openssl rehash' gives to certificates, such as 5ed36f99.0. Those of revocation lists have
// an r before the number.
func isHash(name string) bool {
	hash, number, _ := strings.Cut(name, ".")
	_, hashErr := strconv.ParseUint(hash, 16, 32)
	_, numberErr := strconv.ParseUint(number, 10, 32)
	return len(hash) == 8 && hashErr == nil && numberErr == nil
}

// check looks for the first certificate only: the rest of a large bundle is read when it is needed.
func (b bundle) check() (err error) {
	err = errors.New("it contains no PEM certificate")
	b.each(func(_ *x509.Certificate, broken error) bool {
		if broken != nil {
			err = fmt.Errorf("its first certificate cannot be read: %w", broken)
		} else {
			err = nil
		}
		return broken != nil // one that can be read is enough
	})
	return err
}

// each calls use for each certificate, or the reason why one cannot be read, until it returns false.
func (b bundle) each(use func(*x509.Certificate, error) bool) {
	rest := bytes.TrimPrefix(b, []byte("\ufeff"))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return
		}
		der := block.Bytes
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
		case "TRUSTED CERTIFICATE":
			var serves bool
			if der, serves = trusted(der); !serves {
				continue
			}
		default:
			continue
		}
		if !use(x509.ParseCertificate(der)) {
			return
		}
	}
}

// trusted splits OpenSSL's form of a certificate with what it is trusted for (X509_CERT_AUX in openssl/x509.h), and
// reports whether that is servers too.
func trusted(data []byte) (certificate []byte, serves bool) {
	var first asn1.RawValue
	rest, err := asn1.Unmarshal(data, &first)
	if err != nil {
		return data, true // told by who parses it
	}
	var trust, reject []asn1.ObjectIdentifier
	if len(rest) > 0 {
		var uses asn1.RawValue
		if _, err := asn1.Unmarshal(rest, &uses); err != nil || !readUses(uses.Bytes, &trust, &reject) {
			return first.FullBytes, false
		}
	}
	return first.FullBytes, !covers(reject) && (len(trust) == 0 || covers(trust))
}

// readUses reads the two lists at the beginning of X509_CERT_AUX; a name and a key's number may follow.
func readUses(data []byte, trust, reject *[]asn1.ObjectIdentifier) bool {
	for len(data) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(data, &v)
		if err != nil {
			return false
		}
		switch {
		case v.Class == asn1.ClassUniversal && v.Tag == asn1.TagSequence:
			_, err = asn1.Unmarshal(v.FullBytes, trust)
		case v.Class == asn1.ClassContextSpecific && v.Tag == 0:
			_, err = asn1.UnmarshalWithParams(v.FullBytes, reject, "tag:0")
		}
		if err != nil {
			return false
		}
		data = rest
	}
	return true
}

// covers reports whether uses have servers among them, or everything (RFC 5280, 4.2.1.12).
func covers(uses []asn1.ObjectIdentifier) bool {
	for _, use := range uses {
		if use.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}) || use.Equal(asn1.ObjectIdentifier{2, 5, 29, 37, 0}) {
			return true
		}
	}
	return false
}
