package gateway

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestBelow(t *testing.T) {
	t.Parallel()
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Method + " " + r.URL.Path)) })
	for name, tc := range map[string]struct {
		base, method, target string
		to                   string // where it leads; "" for the app's answer
	}{
		"the root":            {base: "/my/app/", method: "GET", target: "/?a=b%20c", to: "/my/app/?a=b%20c"},
		"the root, of a HEAD": {base: "/x/", method: "HEAD", target: "/", to: "/x/"},
		"what is sent":        {base: "/x/", method: "POST", target: "/"},
		"a page":              {base: "/x/", method: "GET", target: "/x/y"},
		"the login's own":     {base: "/x/", method: "GET", target: "/callback"},
		"no base":             {method: "GET", target: "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			Below(tc.base, app).ServeHTTP(w, httptest.NewRequest(tc.method, tc.target, nil))
			if got := w.Header().Get("Location"); got != tc.to || (w.Code == http.StatusTemporaryRedirect) != (tc.to != "") {
				t.Errorf("%d to %q, want %q", w.Code, got, tc.to)
			}
		})
	}
}
