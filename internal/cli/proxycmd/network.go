package proxycmd

import (
	"crypto/x509"
	"net/http"
	"strings"
)

// network is how the proxy connects to others, with the trusted certificate authorities. It does not change after
// the start.
type network struct {
	providers http.RoundTripper
	app       *x509.CertPool // authorities for the app's certificate; nil means the system's
}

// network reads the files of authorities and the variables for an outgoing proxy. It makes no connections.
func (o *Options) network(wrong *mistakes) (n network) {
	var err error
	if n.providers, err = o.Transport(); err == nil && strings.HasPrefix(strings.ToLower(o.Upstream), "https:") {
		n.app, err = o.Authorities() // takes a while, so only if the app uses TLS
	}
	wrong.add(err)
	return n
}
