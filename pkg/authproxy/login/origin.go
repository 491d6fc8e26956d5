package login

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// RefuseOrigin answers a request from a page of another origin. Behind a reverse proxy that changes Host every page of the
// app looks like one; the log says so to the administrator.
func (f *Flows) RefuseOrigin(w http.ResponseWriter, r *http.Request, st *authn.State, text string) {
	expected := st.Client.Host
	if base := st.Policy.Config.BaseURL; base != nil {
		expected = base.Scheme + "://" + base.Host
	}
	f.log.Request(r, slog.LevelWarn, "another origin refused", slog.String("origin", logged(r.Header["Origin"])),
		slog.String("expected", logged([]string{expected})), slog.String("client", st.Client.Addr.String()),
		slog.String("hint", "if users reach the app at this origin, set "+config.EnvBaseURL+" to it"))
	f.pages.Refuse(w, r, http.StatusForbidden, text)
}

// logged returns the value of a header for the log, if it is a single one that is printable, and at most its beginning.
func logged(values []string) string {
	const most = 100 // bytes; real host names are shorter
	if len(values) != 1 || strings.ContainsFunc(values[0], func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "none that can be shown"
	}
	return values[0][:min(len(values[0]), most)]
}
