package login

import (
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
)

func (f *Flows) setCookie(h http.Header, k cookie.Kind, value string, https bool, maxAge time.Duration) {
	f.cookies.Set(h, f.cookies.Name(k, https), value, https, maxAge)
}

// signedCookie returns the value of a cookie that we have signed for a purpose, whatever other cookies of its name the client
// sent. sent tells whether there was any.
func (f *Flows) signedCookie(r *http.Request, st *authn.State, k cookie.Kind, purpose string) (value string, sent, ok bool) {
	for _, c := range r.CookiesNamed(f.cookies.Name(k, st.Client.HTTPS)) {
		sent = true
		if value, ok = st.Policy.Signer.Verify(purpose, c.Value); ok {
			return value, true, true
		}
	}
	return "", sent, false
}
