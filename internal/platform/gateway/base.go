package gateway

import (
	"net/http"
	"net/url"
)

// Below redirects the root to the path below which an app is served, with a slash at both ends; "" for the root itself.
func Below(base string, next http.Handler) http.Handler {
	if base == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isRoot(r) {
			redirectToBase(w, r, base)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isRoot(r *http.Request) bool {
	return r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

func redirectToBase(w http.ResponseWriter, r *http.Request, base string) {
	to := url.URL{Path: base, RawQuery: r.URL.RawQuery}
	w.Header().Set("Cache-Control", "no-store") // the next app at this address may be served elsewhere
	http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
}
