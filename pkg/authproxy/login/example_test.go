package login_test

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
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/login"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// A browser that opens a page without a login is sent to the login page, and a program gets 401.
func ExampleFlows_Demand() {
	c, err := config.Config{Passwords: map[config.Feature]config.Login{config.MainApp: {Username: "ann", Password: "correct horse"}}}.Complete()
	if err != nil {
		fmt.Println(err)
		return
	}
	cookies, log := cookie.NewJar("", ""), observe.Log{Logger: slog.New(slog.DiscardHandler)}
	auth, err := authn.New(c, authn.Options{
		Now: time.Now, Random: rand.Reader, Log: log, Observer: observe.Discard{}, Store: session.NewMemory(0), InFlight: registry.New(time.Now),
		Cookies: cookies, BcryptCost: bcrypt.MinCost, HashSlots: password.NewHashSlots(0),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close()
	flows := login.New(login.Options{Auth: auth, Pages: pages.New(pages.NewTemplates(), "", time.Now), Cookies: cookies,
		Observer: observe.Discard{}, Log: log, Random: rand.Reader, Now: time.Now})

	for _, accept := range []string{"text/html", "application/json"} {
		r := httptest.NewRequest(http.MethodGet, "/report", nil)
		r.Header.Set("Accept", accept)
		st := authn.State{Now: time.Now(), Policy: auth.Policy(), Path: r.URL.Path}
		auth.Authenticate(r, &st)
		w := httptest.NewRecorder()
		flows.Demand(w, r, &st)
		fmt.Println(w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 302 /_auth/login?next=%2Freport
	// 401
}
