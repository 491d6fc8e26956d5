package export_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Three users, each with access to one feature.
const (
	annPass = "correct horse battery staple"
	bobPass = "a password of the api, with ~!@#$%^&*()\"'\\:;"
	zoePass = "pässwörd für die Statistik ÿ"
)

func three() map[config.Feature]config.Login {
	return map[config.Feature]config.Login{
		config.MainApp:   {Username: "ann", Password: annPass},
		config.API:       {Username: "bob", Password: bobPass},
		config.Analytics: {Username: "zoë $host", Password: zoePass},
	}
}

func only(f config.Feature) map[config.Feature]config.Login {
	return map[config.Feature]config.Login{f: three()[f]}
}

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// get is a request without a body.
func get(path string, header ...string) string { return request("GET", path, "", header...) }

func request(method, path, body string, header ...string) string {
	var lines strings.Builder
	for _, line := range append([]string{"Host: app.example:8443"}, header...) {
		if line != "" {
			lines.WriteString(line + "\r\n")
		}
	}
	if body != "" {
		fmt.Fprintf(&lines, "Content-Length: %d\r\n", len(body))
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\n%s\r\n%s", method, path, lines.String(), body)
}

func upgrade(path string, header ...string) string {
	return get(path, append([]string{"Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, header...)...)
}

// difference is what nginx does not do as we do, and why.
type difference struct {
	proxy, nginx int // status
	why          string
}

// same sends one request through both doors and compares what comes of it, for the client and for the app.
func (w *environment) same(t *testing.T, request string, allowed difference) {
	t.Helper()
	ours, theirs := w.ask(t, w.proxy, request), w.ask(t, w.nginx, request)
	title := request
	if len(title) > 300 {
		title = title[:300] + "..."
	}
	if allowed != (difference{}) {
		if ours.Code != allowed.proxy || theirs.Code != allowed.nginx {
			t.Errorf("%q: %d and %d, want %d and %d, since %s", title, ours.Code, theirs.Code, allowed.proxy, allowed.nginx, allowed.why)
		}
		return
	}
	for _, o := range []*outcome{&ours, &theirs} {
		for i, s := range o.Seen {
			o.Seen[i] = alike(s)
		}
		if o.Code == http.StatusInternalServerError || o.Code == 0 {
			t.Errorf("%q: %d\n%s", title, o.Code, w.log())
		}
	}
	if diff := cmp.Diff(ours, theirs); diff != "" {
		t.Errorf("%q: the proxy (-) and nginx (+) differ:\n%s", title, diff)
	}
}

// latin1 is a text as programs send it that know no UTF-8.
func latin1(text string) string {
	var b []byte
	for _, r := range text {
		b = append(b, byte(r))
	}
	return string(b)
}

// TestNginxRules asks for every kind of path with every kind of credentials.
func TestNginxRules(t *testing.T) {
	t.Parallel()
	paths := []string{"/", "/?x=/api", "/page", "/api", "/api/", "/api/x?y=1&z=%2F", "/API", "/Api/x", "/apis", "/api.html", "/ap%69/x", "/%61%70i",
		"/analytics", "/analytics/x", "/aNALYTICS", "/analytic%73", "/health", "/health/", "/Health", "/h%65alth", "/health?x", "/static/", "/static",
		"/static/a.js", "/STATIC/a.js", "/%73tatic/a", "/static%2Fa", "/staticx", "/api/public/x", "/api/public", "/API/public/x", "/api/PUBLIC/x",
		"/$host/x", "/127.0.0.1/x", `/x"y`, `/x\"y`, "/a(b[c/x", "/A(B[C/x", "/v1.0/x", "/v1x0/x", "/^~/x", "/=", "/login", "/%C3%A9", "/a%20b", "/a+b", "/100%25", "/a:b@c,d=e$f!g*(h)'i", "/~user/[x]", "/\"quoted\"|{x}", "/x.php", "/.well-known/x"}
	credentials := []string{
		"", basic("ann", annPass), basic("bob", bobPass), basic("zoë $host", zoePass),
		// Those that are right nowhere are tried at some of the paths only, as they take long.
		basic("ann", "wrong"), basic("mallory", annPass), basic("ann", bobPass), basic("ann", ""), basic("ANN", annPass), "Authorization: Bearer abc.def.ghi",
	}
	for name, c := range map[string]config.Config{
		"all":           {Passwords: three(), PublicPaths: []string{"/health", "/static/", "/api/public/"}},
		"the app":       {Passwords: only(config.MainApp), PublicPaths: []string{"/api/"}},
		"odd":           {Passwords: three(), APIPath: "/a(b[c", AnalyticsPath: "/v1.0", PublicPaths: []string{"/$host/", `/x"y`, "/^~/", "/="}},
		"the api":       {Passwords: only(config.API)},
		"the analytics": {Passwords: only(config.Analytics), AnalyticsPath: "/api/public", APIPath: "/page"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnvironment(t, c, export.SaltedSHA)
			for i, authorization := range credentials {
				for j, path := range paths {
					if i < 4 || j%7 == i%7 {
						w.same(t, get(path, authorization, "Connection: close"), difference{})
					}
				}
			}
		})
	}
}

// TestNginxRequests compares, request by request, everything else that a client or an attacker sends.
func TestNginxRequests(t *testing.T) {
	t.Parallel()
	ann := basic("ann", annPass)
	encoded := strings.TrimPrefix(ann, "Authorization: Basic ")
	type table map[string]struct {
		request string
		differ  difference
	}
	cases := table{
		// Credentials that are odd.
		"a scheme in small letters": {request: get("/", "Authorization: basic "+encoded)},
		"many spaces":               {request: get("/", "Authorization: Basic   "+encoded+"  ")},
		"no padding":                {request: get("/", "Authorization: Basic "+strings.TrimRight(encoded, "="))},
		"a scheme only":             {request: get("/", "Authorization: Basic")},
		"nothing":                   {request: get("/", "Authorization:")},
		"no base64":                 {request: get("/", "Authorization: Basic !!!!")},
		"no colon":                  {request: get("/", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("ann")))},
		"no name":                   {request: get("/", basic("", annPass))},
		"a longer password":         {request: get("/", basic("ann", annPass+"x"))},
		"a shorter password":        {request: get("/", basic("ann", annPass[:27]))},
		"a huge password":           {request: get("/", basic("ann", strings.Repeat("x", 9000)))},
		"a name of another line":    {request: get("/", basic("ann\nann", annPass))},
		"the hash":                  {request: get("/", basic("ann", "{SSHA}"))},
		"no UTF-8":                  {request: get("/", basic("\xff\xfe", "\xff"))},
		"two headers":               {request: get("/", ann, ann)},
		"two headers, one is wrong": {request: get("/", ann, basic("ann", "x"))},
		"a digest":                  {request: get("/", `Authorization: Digest username="ann"`)},
		"ours where nobody asks":    {request: get("/static/a", ann)},
		"wrong where nobody asks":   {request: get("/static/a", basic("ann", "wrong"))},
		"the app's own, open":       {request: get("/static/a", basic("app user", "x"))},
		"a bearer, open":            {request: get("/static/a", "Authorization: Bearer x")},
		"a cookie":                  {request: get("/", ann, "Cookie: a=b; c=d")},
		"Latin-1": {request: get("/analytics", basic(latin1("zoë $host"), latin1(zoePass))),
			differ: difference{200, 401, "nginx compares bytes, and the file has those of UTF-8, for which the challenge asks"}},
		"a NUL behind the password": {request: get("/", basic("ann", annPass+"\x00x")),
			differ: difference{401, 200, "nginx hands the password over as a C string, which ends there"}},

		// Methods and heads.
		"HEAD":            {request: request("HEAD", "/file", "", ann)},
		"HEAD, refused":   {request: request("HEAD", "/file", "")},
		"POST":            {request: request("POST", "/api/x", "hello", basic("bob", bobPass))},
		"POST, refused":   {request: request("POST", "/api/x", "hello")},
		"PUT":             {request: request("PUT", "/", strings.Repeat("x", 100000), ann)},
		"DELETE":          {request: request("DELETE", "/", "", ann)},
		"OPTIONS":         {request: request("OPTIONS", "/", "", "Origin: http://x", "Access-Control-Request-Method: GET")},
		"PATCH":           {request: request("PATCH", "/", "{}", ann)},
		"TRACE":           {request: request("TRACE", "/", "", ann)},
		"CONNECT":         {request: request("CONNECT", "/", "", ann)},
		"an override":     {request: get("/", ann, "X-HTTP-Method-Override: DELETE")},
		"PROPFIND":        {request: request("PROPFIND", "/", "", ann)},
		"a chunked body":  {request: get("/", ann, "Transfer-Encoding: chunked") + "5\r\nhello\r\n3;x=y\r\n12\n\r\n0\r\n\r\n"},
		"a trailer":       {request: get("/", ann, "Transfer-Encoding: chunked", "Trailer: X-Auth-Name") + "1\r\nx\r\n0\r\nX-Auth-Name: mallory\r\n\r\n"},
		"Expect":          {request: request("POST", "/", "hello", ann, "Expect: 100-continue")},
		"Expect, refused": {request: request("POST", "/", "hello", "Expect: 100-continue")},
		"two lengths":     {request: "POST / HTTP/1.1\r\nHost: app.example\r\n" + ann + "\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
		"length and chunks": {request: "POST / HTTP/1.1\r\nHost: app.example\r\n" + ann + "\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			differ: difference{200, 400, "we believe the chunks and close the connection, as RFC 9112 allows"}},
		"no host":           {request: "GET / HTTP/1.1\r\n" + ann + "\r\n\r\n"},
		"two hosts":         {request: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + ann + "\r\n\r\n"},
		"HTTP/1.0":          {request: "GET / HTTP/1.0\r\nHost: app.example\r\n" + ann + "\r\n\r\n"},
		"HTTP/1.0, refused": {request: "GET / HTTP/1.0\r\nHost: app.example\r\n\r\n"},
		"a space in a name": {request: get("/", ann, "X-Auth-Name : mallory")},
		"a folded header": {request: get("/", ann, "X-Auth-Name:\r\n mallory"),
			differ: difference{200, 400, "we join the lines before we drop the header"}},
		"8 KB of path":      {request: get("/"+strings.Repeat("a", 8000), ann)},
		"30 KB of path":     {request: get("/"+strings.Repeat("%41", 10000), ann)},
		"30 KB of a query":  {request: get("/?"+strings.Repeat("a", 30000), ann)},
		"30 KB, refused":    {request: get("/"+strings.Repeat("%41", 10000)+"%", ann)},
		"30 KB of a cookie": {request: get("/", ann, "Cookie: a="+strings.Repeat("b", 30000))},
		"60 KB of path":     {request: get("/"+strings.Repeat("a", 60000), ann), differ: difference{431, 414, "there are two statuses for a head that is too long"}},
		"60 KB of a header": {request: get("/", ann, "X: "+strings.Repeat("a", 60000)), differ: difference{431, 400, "there are two statuses for a head that is too long"}},
		"a range":           {request: get("/file", ann, "Range: bytes=10-19")},
		"ranges":            {request: get("/file", ann, "Range: bytes=-5")},
		"beyond the range":  {request: get("/file", ann, "Range: bytes=20000-")},
		"a range, refused":  {request: get("/file", "Range: bytes=10-19")},
		"not modified":      {request: get("/file", ann, "If-Modified-Since: Sun, 09 Sep 2030 01:46:40 GMT")},
		"the app redirects": {request: get("/accel", ann)},
		"hop by hop":        {request: get("/", ann, "Keep-Alive: 5", "Te: trailers", "Proxy: http://evil.example", "Proxy-Connection: close", "Proxy-Authorization: x", "Upgrade: h2c", "Http2-Settings: x")},
		"compressed":        {request: get("/", ann, "Accept-Encoding: gzip, br")},

		// WebSockets.
		"a WebSocket":                       {request: upgrade("/ws", ann)},
		"a WebSocket, refused":              {request: upgrade("/ws")},
		"a WebSocket with a wrong password": {request: upgrade("/ws", basic("ann", "x"))},
		"an open WebSocket":                 {request: upgrade("/static/ws")},
		"its protocol":                      {request: upgrade("/ws", ann, "Sec-WebSocket-Protocol: a, b")},
		"its own page":                      {request: upgrade("/ws", ann, "Origin: http://app.example:8443")},
		"its own page, encrypted":           {request: upgrade("/ws", ann, "Origin: https://APP.example:8443")},
		"a foreign page":                    {request: upgrade("/ws", ann, "Origin: http://evil.example")},
		"a foreign port":                    {request: upgrade("/ws", ann, "Origin: http://app.example:8444")},
		"a longer host":                     {request: upgrade("/ws", ann, "Origin: http://app.example:8443.evil.example")},
		"a page of a file":                  {request: upgrade("/ws", ann, "Origin: null")},
		"a foreign page, open":              {request: upgrade("/static/ws", "Origin: http://evil.example")},
		"a foreign page, no WebSocket":      {request: get("/", ann, "Origin: http://evil.example")},
		"a post that asks for an upgrade":   {request: request("POST", "/ws", "x", ann, "Connection: Upgrade", "Upgrade: websocket")},
		"an upgrade without Connection":     {request: get("/ws", ann, "Upgrade: websocket")},
		"another protocol":                  {request: get("/ws", ann, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")},
		"an upgrade of HTTP/1.0":            {request: strings.Replace(upgrade("/ws", ann), "HTTP/1.1", "HTTP/1.0", 1)},
	}
	for _, host := range []string{"app.example", "app.example:80", "app.example:443", "[::1]:80"} {
		for _, origin := range []string{"http://app.example", "https://app.example", "http://app.example:80", "https://app.example:443", "http://[::1]"} {
			cases[host+" from "+origin] = table{"": {request: strings.Replace(upgrade("/ws", ann, "Origin: "+origin), "app.example:8443", host, 1)}}[""]
		}
	}
	w := newEnvironment(t, config.Config{Passwords: three(), PublicPaths: []string{"/health", "/static/"}}, export.SaltedSHA)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) { w.same(t, tc.request, tc.differ) })
	}
}
