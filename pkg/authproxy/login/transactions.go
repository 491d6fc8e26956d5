package login

import (
	"net/http"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// Bounds of the cookies of logins in progress. A browser sends them all with every request, and nginx accepts 8 KB of
// cookies by default; dozens of tabs begin logins at once when a browser restores them.
const (
	maxTransactions     = 48
	manyTransactions    = maxTransactions / 2 // from here on a new login replaces one that returns to the same address
	maxTransactionBytes = 6 << 10
	maxForgotten        = 64 // cookies deleted by one response
)

// transactionName is the name of a login's cookie on this client's connection.
func (f *Flows) transactionName(base string, https bool) string {
	return f.cookies.Name(cookie.Kind(base), https)
}

// keepTransaction sets the cookie of a login that begins, and deletes those that have expired or are too many.
func (f *Flows) keepTransaction(h http.Header, r *http.Request, st *authn.State, t oidc.Transaction, next string) {
	sealed := st.Policy.Sealer.Seal(t)
	kept, bytes := 1, len(sealed)
	useless := 0
	all := f.transactions(r, st)
	again := f.sameReturn(all, next, st.Now)
	for i, c := range all {
		if i == again {
			c.ok = false
		}
		bytes += len(c.name) + len(c.value)
		if c.ok && kept < maxTransactions && bytes <= maxTransactionBytes {
			kept++
			continue
		}
		if useless++; useless <= maxForgotten {
			f.forgetTransaction(h, c.name, st.Client.HTTPS)
		}
	}
	f.cookies.Set(h, f.transactionName(t.CookieName(), st.Client.HTTPS), sealed, st.Client.HTTPS, oidc.LoginTime)
}

// sameReturn returns the index of the oldest login that returns to the same address, if there are many: it belongs to a tab
// that was loaded again, as all are when a browser restores them once more. It is -1 if there is none.
func (f *Flows) sameReturn(all []transactionCookie, next string, now time.Time) int {
	if len(all) < manyTransactions {
		return -1
	}
	for i, c := range slices.Backward(all) {
		if c.ok && f.returns.address(c.transaction.ReturnTo(), now) == next {
			return i
		}
	}
	return -1
}

// transactionCookie is a cookie with the name of one of a login.
type transactionCookie struct {
	name, value string
	transaction oidc.Transaction
	ok          bool // transaction was read from it, and has not expired
}

// transactions returns the cookies of logins that the browser sent: valid ones first, and of these the newest first.
func (f *Flows) transactions(r *http.Request, st *authn.State) []transactionCookie {
	var all []transactionCookie
	for _, sent := range r.Cookies() {
		if !f.cookies.IsLogin(sent.Name, st.Client.HTTPS) {
			continue
		}
		c := transactionCookie{name: sent.Name, value: sent.Value}
		t, err := st.Policy.Sealer.Open(c.value)
		if err == nil && f.transactionName(t.CookieName(), st.Client.HTTPS) == c.name {
			c.transaction, c.ok = t, true
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b transactionCookie) int {
		if a.ok != b.ok {
			if a.ok {
				return -1
			}
			return 1
		}
		return b.transaction.Expires().Compare(a.transaction.Expires())
	})
	return all
}

// transactionOf returns the login in progress that a callback's state belongs to. Of several cookies of its name the one that
// we sealed counts.
func (f *Flows) transactionOf(r *http.Request, st *authn.State, state string) (t oidc.Transaction, name string, err error) {
	name, err = f.transactionName(oidc.CookieName(state), st.Client.HTTPS), oidc.ErrTransaction
	for _, c := range r.CookiesNamed(name) {
		transaction, openErr := st.Policy.Sealer.Open(c.Value)
		if openErr == nil && f.transactionName(transaction.CookieName(), st.Client.HTTPS) == name {
			return transaction, name, nil
		}
	}
	return t, name, err
}

// forgetTransaction deletes the cookie of a login.
func (f *Flows) forgetTransaction(h http.Header, name string, https bool) {
	f.cookies.Set(h, name, "", https, 0)
}
