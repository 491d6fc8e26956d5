package pages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
)

func ExamplePages_Refuse() {
	pg := pages.New(pages.NewTemplates(), "", time.Now)
	w := httptest.NewRecorder()
	pg.Refuse(w, httptest.NewRequest("GET", "/api", nil), 401, "Log in to see this page.")
	fmt.Print(w.Code, " ", w.Body)
	// Output: 401 Log in to see this page.
}

// Addresses that begin with a slash are below the base path. The response shows nothing of the address but in Location.
func ExamplePages_Redirect() {
	pg := pages.New(pages.NewTemplates(), "/team/app", time.Now)
	w := httptest.NewRecorder()
	pg.Redirect(w, "/_auth/login?next=%2Freport", http.StatusFound)
	fmt.Println(w.Code, w.Header().Get("Location"), w.Body.Len())
	// Output: 302 /team/app/_auth/login?next=%2Freport 0
}
