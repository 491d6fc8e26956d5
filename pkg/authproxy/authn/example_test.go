package authn_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// newAuthenticator protects the main app by a password.
func newAuthenticator() (*authn.Authenticator, error) {
	c, err := config.Config{Passwords: map[config.Feature]config.Login{config.MainApp: {Username: "ann", Password: "correct horse"}}}.Complete()
	if err != nil {
		return nil, err
	}
	return authn.New(c, authn.Options{
		Now: time.Now, Random: rand.Reader, Log: observe.Log{Logger: slog.New(slog.DiscardHandler)}, Observer: observe.Discard{},
		Store: session.NewMemory(0), InFlight: registry.New(time.Now), Cookies: cookie.NewJar("", ""),
		BcryptCost: bcrypt.MinCost, HashSlots: password.NewHashSlots(0),
	})
}

// A program sends its password with a request and gets a session, whose cookie goes out with the response.
func Example() {
	a, err := newAuthenticator()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth("ann", "correct horse")
	st := authn.State{Now: time.Now(), Policy: a.Policy(), Path: "/"}
	a.Authenticate(r, &st)
	response := http.Header{}
	st.ProtectResponse(http.StatusOK, response)
	fmt.Println(st.User.Name, len(response["Set-Cookie"]), response["Cache-Control"])
	// Output: ann 1 [no-store]
}
