package authproxy

import (
	"net"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// paramMoved marks a login page to which we have sent the browser from another address. It is not sent on once more,
// so that nothing in front of us that changes the host can make a loop.
const paramMoved = "moved"

// moved sends a page visit that needs a login to the base URL first if it came by another name, such as a bare address
// or an alias: the provider answers there, and so there the cookies of the login have to be. Only the path comes from
// the visitor (security classes 6, 19). It is true where everything has been answered.
func (p *Proxy) moved(w http.ResponseWriter, r *http.Request, x *exchange, provider, next string) bool {
	if x.policy.config.BaseURL == nil || r.Method != http.MethodGet && r.Method != http.MethodHead || !navigation.IsPageVisit(r) {
		return false
	}
	if strings.HasPrefix(x.path, target.Login) && r.URL.Query().Has(paramMoved) {
		return p.wasIn(w, r, x, next)
	}
	if x.atBase() {
		return false
	}
	address := x.policy.config.Origin() + loginPage(provider, next)
	if strings.Contains(address, "?") {
		address += "&"
	} else {
		address += "?"
	}
	x.redirect(w, address+paramMoved+"=1", http.StatusFound)
	return true
}

// wasIn leads on somebody who has come here from another name and has a session under this one.
func (p *Proxy) wasIn(w http.ResponseWriter, r *http.Request, x *exchange, next string) bool {
	path, _ := x.policy.rules.Parse(next)
	x.scope = x.policy.rules.Scope(path)
	if p.recognise(r, x); x.grant == nil {
		return false
	}
	x.redirect(w, next, http.StatusFound)
	return true
}

// atBase reports whether the browser is at the base URL, as far as can be told. Ports do not count: cookies are the
// same on all of them, and proxies often leave them out. A name of this machine, where the base URL is another's, is
// what proxies in front write that do not pass the browser's on.
func (x *exchange) atBase() bool {
	base := x.policy.config.BaseURL
	host, _, err := net.SplitHostPort(x.host)
	if err != nil {
		host = strings.Trim(x.host, "[]")
	}
	if oidc.IsLoopback(host) && !oidc.IsLoopback(base.Hostname()) {
		return true
	}
	return (host == "" || strings.EqualFold(host, base.Hostname())) && (x.scheme == "" || x.scheme == base.Scheme)
}
