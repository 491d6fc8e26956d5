package localcloud

import (
	"net/http"
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
