package login

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
)

const (
	maxLogoutBody = 80 << 10 // bytes; a token has at most 64 KB
	logoutRead    = 10 * time.Second
)

// backchannel is POST /_auth/backchannel-logout, or /_auth/backchannel-logout/<provider>, where a provider tells us
// whose session is over (OpenID Connect Back-Channel Logout). No browser is involved: only the token counts.
func (f *Flows) backchannel(w http.ResponseWriter, r *http.Request, st *authn.State, name string) {
	pr := st.Policy.Named(name)
	switch {
	case pr == nil:
		f.pages.Refuse(w, r, http.StatusNotFound, "Page not found.")
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		f.pages.Refuse(w, r, http.StatusMethodNotAllowed, "This method is not allowed.")
		return
	}
	raw, ok := f.logoutToken(w, r)
	if !ok {
		f.pages.Refuse(w, r, http.StatusBadRequest, "This is not a logout request.")
		return
	}
	token, err := pr.VerifyLogoutToken(r.Context(), raw)
	if err != nil {
		f.observer.Count(observe.Refused)
		f.log.Request(r, slog.LevelWarn, "logout refused", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()),
			slog.String("client", st.Client.Addr.String()))
		code := http.StatusBadRequest
		if errors.Is(err, oidc.ErrUnavailable) {
			code = http.StatusServiceUnavailable
		}
		f.pages.Refuse(w, r, code, "This logout token is not accepted.")
		return
	}
	n, err := f.auth.EndAtProvider(r.Context(), pr.Issuer(), token)
	if err != nil {
		f.auth.LogStoreError(r, err)
		f.pages.Refuse(w, r, http.StatusInternalServerError, "The session could not be ended.")
		return
	}
	for range n {
		f.observer.Count(observe.Logout)
	}
	f.log.Request(r, slog.LevelInfo, "logged out", slog.String("subject", token.Subject), slog.Int("sessions", n),
		slog.String("by", "provider"), slog.String("issuer", pr.Issuer()))
	pages.Secure(w.Header())
	w.WriteHeader(http.StatusOK)
}

// logoutToken reads the one field of the form.
func (f *Flows) logoutToken(w http.ResponseWriter, r *http.Request) (string, bool) {
	if !isForm(r) || !f.readForm(w, r, maxLogoutBody, logoutRead) {
		return "", false
	}
	tokens := r.PostForm["logout_token"]
	return r.PostForm.Get("logout_token"), len(tokens) == 1
}
