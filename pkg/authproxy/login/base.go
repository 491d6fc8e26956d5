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

// paramMoved marks a login page to which we have sent the browser from another address. It is not sent on once more,
// so that nothing in front of us that changes the host can make a loop.
const paramMoved = "moved"

// moved sends a page visit that needs a login to the base URL first if it came by another name, such as a bare address
// or an alias: the provider answers there, and so there the cookies of the login have to be. Only the path comes from
// the client (security classes 6, 19). It reports whether it has answered.
func (f *Flows) moved(w http.ResponseWriter, r *http.Request, st *authn.State, provider, next string) bool {
	if st.Policy.Config.BaseURL == nil || r.Method != http.MethodGet && r.Method != http.MethodHead || !navigation.IsPageVisit(r) {
		return false
	}
	if strings.HasPrefix(st.Path, target.Login) && r.URL.Query().Has(paramMoved) {
		return f.wasIn(w, r, st, next)
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

// wasIn sends on a user who came by another name and has a session under this one. It reports whether it has answered.
func (f *Flows) wasIn(w http.ResponseWriter, r *http.Request, st *authn.State, next string) bool {
	path, _ := st.Policy.Rules.Parse(next)
	st.Scope = st.Policy.Rules.Scope(path)
	if f.auth.Recognize(r, st); st.Grant == nil {
		return false
	}
	f.pages.Redirect(w, next, http.StatusFound)
	return true
}

// atBase reports whether the browser is at the base URL, as far as can be told. Ports do not count: cookies are the
// same on all of them, and proxies often leave them out. A name of this machine, where the base URL is another's, is
// what proxies in front write that do not pass the browser's on.
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
