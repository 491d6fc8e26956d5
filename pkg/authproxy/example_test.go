package authproxy_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// An app behind a password: the app is told who the user is, and is not reached without a login.
func ExampleNew() {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "Hello ", r.Header.Get("X-Auth-Name"))
	}))
	defer app.Close()
	c := config.Config{Passwords: map[config.Feature]config.Login{config.MainApp: {Username: "ann", Password: "correct horse"}}}
	proxy, err := authproxy.New(c, authproxy.Options{Upstream: app.URL, Now: time.Now, Random: rand.Reader})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer proxy.Close()
	front := httptest.NewServer(proxy)
	defer front.Close()

	for _, password := range []string{"", "correct horse"} {
		r, _ := http.NewRequest(http.MethodGet, front.URL, nil)
		if password != "" {
			r.SetBasicAuth("ann", password)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		fmt.Println(response.StatusCode, string(body))
	}
	// Output:
	// 401 Log in to see this page.
	//
	// 200 Hello ann
}
