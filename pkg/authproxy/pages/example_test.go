package pages_test

import (
	"fmt"
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
