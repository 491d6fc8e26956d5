package login_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/login"
)

// Addresses that begin with a slash are below the base path. The response shows nothing of the address but in Location.
func ExampleRedirect() {
	w := httptest.NewRecorder()
	login.Redirect(w, &authn.Policy{Base: "/team/app"}, "/_auth/login?next=%2Freport", http.StatusFound)
	fmt.Println(w.Code, w.Header().Get("Location"), w.Body.Len())
	// Output: 302 /team/app/_auth/login?next=%2Freport 0
}
