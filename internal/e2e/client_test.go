package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// client is a browser without a screen: it keeps cookies and follows redirects.
type client struct {
	t      *testing.T
	client *http.Client
}

func newClient(t *testing.T) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, &http.Client{Jar: jar, Timeout: patience}}
}

// cookies are what the client sends to an address.
func (v *client) cookies(address string) []*http.Cookie {
	v.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.client.Jar.Cookies(u)
}

// session is the value of the cookie that opens the app.
func (v *client) session(base string) string {
	v.t.Helper()
	for _, c := range v.cookies(base) {
		if strings.Contains(c.Name, "ploomber_session") && strings.Contains(c.Name, base[strings.LastIndex(base, ":")+1:]) {
			return c.Value
		}
	}
	v.t.Fatal("no session")
	return ""
}

// open opens a page and follows where it leads.
func (v *client) open(address string) *oidcprovider.Page {
	v.t.Helper()
	page, err := oidcprovider.Open(v.t.Context(), v.client, address)
	if err != nil {
		v.t.Fatal(err)
	}
	return page
}

// logIn opens a page, logs in at the provider to which that leads, and returns where that leads.
func (v *client) logIn(at *oidcprovider.Provider, address, user string) *oidcprovider.Page {
	v.t.Helper()
	page, err := at.Answer(v.t.Context(), v.client, v.insist(address, v.open(address)), user)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.insist(address, page)
}

// insist opens the address again as long as the page says that the provider has not answered in time, as it may on a
// busy machine: the page itself says to.
func (v *client) insist(address string, page *oidcprovider.Page) *oidcprovider.Page {
	v.t.Helper()
	eventually(v.t, "the provider answers the proxy", func() bool {
		if page.Status != http.StatusServiceUnavailable || !strings.Contains(page.Body, "The login provider does not answer") {
			return true
		}
		page = v.open(address)
		return false
	})
	return page
}

// ask sends a request as a script of a page does and follows nothing.
func (v *client) ask(method, address string, header http.Header) (status int, h http.Header, body string) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), method, address, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	client := *v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(read)
}

// isIn reports whether the app answers the client's request, and what it was told.
func (v *client) isIn(base string) (echoed, bool) {
	v.t.Helper()
	status, _, body := v.ask(http.MethodGet, base+"/data", nil)
	if status == http.StatusUnauthorized {
		return echoed{}, false
	}
	return echoOf(v.t, status, body), true
}

// echoOf reads an answer of the app.
func echoOf(t *testing.T, status int, body string) echoed {
	t.Helper()
	var e echoed
	if err := json.Unmarshal([]byte(body), &e); err != nil || status != http.StatusOK || e.Method == "" {
		t.Fatalf("not the app's answer: %d %s", status, body)
	}
	return e
}

// status is what /status says to the client.
func (v *client) status(base string) string {
	v.t.Helper()
	_, _, body := v.ask(http.MethodGet, base+"/status", nil)
	return strings.TrimSpace(body)
}

// awaitLogout returns once the session has ended by itself. Asking keeps one alive that ends when it is not used.
func (v *client) awaitLogout(base string) {
	v.t.Helper()
	eventually(v.t, "the session ends by itself", func() bool { return v.status(base) == "logged out" })
}

// outlive waits without a request until what lives so long has ended: a session that is not used, or a token that the
// next request is to find expired. The program and the provider go by the clock, however slow the machine is.
func outlive(life time.Duration) { time.Sleep(life + time.Second) }
