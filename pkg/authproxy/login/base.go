package login

import (
	"net"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// paramMoved marks a login page to which we have redirected the browser from another host. It is not redirected again, so
// that a proxy in front that changes the host cannot cause a loop.
const paramMoved = "moved"

// redirectToBase redirects a page visit that needs a login to the base URL if it came by another host name, such as an IP
// address or an alias: the provider redirects back to the base URL, so that the cookies of the login have to be there. Only
// the path comes from the client (security classes 6, 19). It reports whether it has answered.
func (f *Flows) redirectToBase(w http.ResponseWriter, r *http.Request, st *authn.State, provider, next string) bool {
	if st.Policy.Config.BaseURL == nil || r.Method != http.MethodGet && r.Method != http.MethodHead || !navigation.IsPageVisit(r) {
		return false
	}
	if strings.HasPrefix(st.Path, target.Login) && r.URL.Query().Has(paramMoved) {
		return f.skipLogin(w, r, st, next)
	}
	if atBase(st) {
		return false
	}
	address := st.Policy.Config.Origin() + loginPage(provider, next)
	if strings.Contains(address, "?") {
		address += "&"
	} else {
		address += "?"
	}
	f.pages.Redirect(w, address+paramMoved+"=1", http.StatusFound)
	return true
}

// skipLogin redirects a user who came by another host name, and has a session at the base URL, to the page itself. It
// reports whether it has answered.
func (f *Flows) skipLogin(w http.ResponseWriter, r *http.Request, st *authn.State, next string) bool {
	path, _ := st.Policy.Rules.Parse(next)
	st.Scope = st.Policy.Rules.Scope(path)
	if f.auth.Recognize(r, st); st.Grant == nil {
		return false
	}
	f.pages.Redirect(w, next, http.StatusFound)
	return true
}

// atBase reports whether the browser is at the base URL, as far as can be told. Ports do not count: cookies are shared by
// all of them, and proxies often leave them out. Where the base URL is not on loopback, a Host that is comes from a proxy in
// front that does not pass on the browser's.
func atBase(st *authn.State) bool {
	base := st.Policy.Config.BaseURL
	host, _, err := net.SplitHostPort(st.Client.Host)
	if err != nil {
		host = strings.Trim(st.Client.Host, "[]")
	}
	if oidc.IsLoopback(host) && !oidc.IsLoopback(base.Hostname()) {
		return true
	}
	return (host == "" || strings.EqualFold(host, base.Hostname())) && (st.Client.Scheme == "" || st.Client.Scheme == base.Scheme)
}
