package cookie_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
)

// FuzzCookies: the app gets none of our cookies, as the standard library reads them, and all others as they were.
func FuzzCookies(f *testing.F) {
	for _, line := range []string{"a=b", "ploomber_session=x", "a=b; ploomber_session_8080=x; c=d", "__Host-ploomber_session=x;a=b", " ploomber_login=x", "ploomber_sessions=mine", ";;=;", "a=\"b; ploomber_session=x\""} {
		f.Add(line, "e=f")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		wanted := map[string]string{}
		for _, c := range r.Cookies() {
			if !cookie.IsOwn(c.Name) {
				wanted[c.Name] = c.Value
			}
		}
		cookie.Remove(r.Header)
		for _, c := range r.Cookies() {
			if cookie.IsOwn(c.Name) {
				t.Fatalf("%q, %q: the app gets %s", first, second, c.Name)
			}
			delete(wanted, c.Name)
		}
		if len(wanted) > 0 {
			t.Fatalf("%q, %q: the app lacks %v", first, second, wanted)
		}
	})
}

func ExampleJar_Name() {
	fmt.Println(cookie.NewJar("", "").Name(cookie.Session, true))
	fmt.Println(cookie.NewJar("/team/app", "8501").Name(cookie.Session, true))
	// Output:
	// __Host-ploomber_session
	// __Secure-ploomber_session_8501
}
