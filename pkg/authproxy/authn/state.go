package authn

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/forwarded"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// State is what is known about one request. The caller fills in the first group and an Authenticator the rest, but for the
// Scope of our own endpoints.
type State struct {
	Now        time.Time   // when the request came
	Policy     *Policy     // current when the request came
	Connection *Connection // over which it came; nil if unknown
	Client     forwarded.Client
	Path       string // decoded, as the rules and the app both read it

	Scope        *access.Scope      // of Path; for our own endpoints, the scope that they are about
	User         *identity.Identity // who sends the request; nil without access to Scope
	Session      *session.Session   // that the cookie identifies, whatever it grants; nil without one
	Grant        *session.Grant     // of Session, for Scope; nil without one
	Conflicting  []*session.Session // in place of Session if cookies identify more than one
	SessionEnded bool               // just now, since its tokens could not be renewed
	ExpiredGrant *session.Grant     // of that session, if it was for an audience: the user has to be logged out at the provider too
	Basic        password.Result    // of checking Basic credentials
	Token        TokenState         // of checking a token in the Authorization header

	bearer        *bearer                         // owner of that token, where it is valid
	sessionID     session.ID                      // current id of Session; empty if unknown, see session.Found
	pendingCookie []string                        // of a session that the browser does not have yet, to be sent with the response
	found         [maxCandidates]*session.Session // room for Presented
}

// OwnsAuthorization reports whether the Authorization header of the request was meant for the login, not for the app.
func (st *State) OwnsAuthorization(header string) bool {
	return st.Basic.Verdict == password.Right || st.bearer != nil ||
		st.Policy.Config.PasswordMode != config.ModeForm && st.Policy.Passwords.Owns(header)
}

// ProtectResponse adds to a response, whose headers are complete, what keeps a session safe: a cookie that the browser
// does not have yet, and that no cache keeps what belongs to a user.
func (st *State) ProtectResponse(status int, h http.Header) {
	if st.pendingCookie != nil {
		if apps := h["Set-Cookie"]; len(apps) > 0 {
			h["Set-Cookie"] = append(apps, st.pendingCookie...)
		} else {
			h["Set-Cookie"] = st.pendingCookie
		}
		h["Cache-Control"] = st.Policy.noStore // nobody may keep a response that holds a session (security class 23)
		return
	}
	// The Cache-Control of a 304 replaces what the app has sent with the page (RFC 9111, section 3.2): one of ours would let
	// browsers show Streamlit's page from their cache after a logout.
	if st.User == nil || status == http.StatusNotModified {
		return
	}
	if _, said := h["Cache-Control"]; !said {
		if h["Cache-Control"] = st.Policy.private; isPage(h) {
			h["Cache-Control"] = st.Policy.noStore // or the back button would show it after a logout
		}
	}
}

// isPage reports whether a response is an HTML page.
func isPage(h http.Header) bool {
	kind := h["Content-Type"]
	const html, xhtml = "text/html", "application/xhtml+xml"
	return len(kind) == 1 && (hasPrefixFold(kind[0], html) || hasPrefixFold(kind[0], xhtml))
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// SameOrigin reports whether r comes from a page of this app, or not from a page. If there is a base URL, Origin must match it;
// otherwise it must match the host of the request, from Host or a trusted proxy, which no page can choose.
func (st *State) SameOrigin(r *http.Request) bool {
	values := r.Header["Origin"]
	if len(values) == 0 {
		return true
	}
	origin, err := url.Parse(values[0])
	if err != nil || origin.Host == "" || origin.Scheme != "http" && origin.Scheme != "https" {
		return false // "null" among them
	}
	if base := st.Policy.Config.BaseURL; base != nil {
		return origin.Scheme == base.Scheme && hostPort(origin.Scheme, origin.Host) == hostPort(base.Scheme, base.Host)
	}
	return hostPort(origin.Scheme, origin.Host) == hostPort(origin.Scheme, st.Client.Host)
}

// hostPort returns host in lower case and with the scheme's port where it has none.
func hostPort(scheme, host string) string {
	host = strings.ToLower(host)
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host
	}
	if scheme == "https" {
		return host + ":443"
	}
	return host + ":80"
}
