package localcloud

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is saved while the app runs is what users see next.
func TestSavedFilesTakeEffect(t *testing.T) {
	t.Parallel()
	o, rec := options(t)
	o.Reload = true
	r, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	app := strings.ReplaceAll(miniature, `"hello "`, `"good day "`)
	if err := os.WriteFile(filepath.Join(o.Dir, "app.py"), []byte(app), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2400 { // two minutes
		if code, body := ask(t, r.URL(), "open sesame"); code == http.StatusOK && body == "good day from .env ann" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the old code goes on: %v", rec.phases())
}

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
			below(tc.base, app).ServeHTTP(w, httptest.NewRequest(tc.method, tc.target, nil))
			if got := w.Header().Get("Location"); got != tc.to || (w.Code == http.StatusTemporaryRedirect) != (tc.to != "") {
				t.Errorf("%d to %q, want %q", w.Code, got, tc.to)
			}
		})
	}
}
