package proxycmd

import (
	"crypto/x509"
	"net/http"
	"strings"
)

// network is how the proxy reaches others, with the authorities that it trusts. It stays as it is until the end.
type network struct {
	providers http.RoundTripper
	app       *x509.CertPool // whose certificates the app may have; nil means the system's
}

// network reads the files of authorities and the variables that name a proxy. Nobody is asked anything yet.
func (o *Options) network(wrong *mistakes) (n network) {
	var err error
	if n.providers, err = o.Transport(); err == nil && strings.HasPrefix(strings.ToLower(o.Upstream), "https:") {
		n.app, err = o.Authorities() // takes a while, so only where an app needs them
	}
	wrong.add(err)
	return n
}
