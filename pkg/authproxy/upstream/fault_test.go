package upstream

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What is wrong with a response is said without a byte of it, the name of a header excepted (security class 22).
func TestClass22FaultsShowNoContent(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, tc := range map[string]struct{ answer, want string }{
		"first line JSON":               {"{\"token\": \"canary\"}\r\n\r\n", "first line is not a status line"},
		"first line HTML":               {"<p>canary</p>\r\n\r\n", "first line is not a status line"},
		"first line another version":    {"HTTP/2 200 canary\r\n\r\n", "first line is not a status line"},
		"first line without a code":     {"HTTP/1.1 canary\r\n\r\n", "first line is not a status line"},
		"first line with a control":     {"HTTP/1.1 200 canary\x01\r\n\r\n", "first line is not a status line"},
		"code below 100":                {"HTTP/1.1 099 canary\r\n\r\n", "first line is not a status line"},
		"space before the colon":        {ok + "Set-Cookie : sid=canary\r\n\r\n", "header Set-Cookie has white space before the colon"},
		"tab before the colon":          {ok + "set-cookie\t: sid=canary\r\n\r\n", "header Set-Cookie has white space before the colon"},
		"no colon":                      {ok + "sid=canary\r\n\r\n", "no colon"},
		"no name":                       {ok + ": canary\r\n\r\n", "has no name"},
		"folded":                        {ok + "Set-Cookie: a=b;\r\n canary: x\r\n\r\n", "folded"},
		"folded by a tab":               {ok + "Set-Cookie: a=b;\r\n\tcanary : x\r\n\r\n", "folded"},
		"JSON in the head":              {ok + "\"canary\": 1\r\n\r\n", "character that none may have"},
		"cookie for a name":             {ok + "sid=canary: x\r\n\r\n", "character that none may have"},
		"URL in the head":               {ok + "/?code=canary: x\r\n\r\n", "character that none may have"},
		"token for a name":              {ok + "eyJhbGciOi.canary.c2ln : x\r\n\r\n", "a header has white space"},
		"long token for a name":         {ok + strings.Repeat("canary", 10) + " : x\r\n\r\n", "a header has white space"},
		"control character in a value":  {ok + "Set-Cookie: sid=canary\x01\r\n\r\n", "header Set-Cookie has a control character"},
		"bare CR in a value":            {ok + "Location: /?code=canary\rX: y\r\n\r\n", "header Location has a control character"},
		"length that is not a number":   {ok + "Content-Length: canary\r\n\r\n", "header Content-Length"},
		"two lengths":                   {ok + "Content-Length: 1\r\nContent-Length: 2canary\r\n\r\n", "header Content-Length"},
		"encoding that is not known":    {ok + "Transfer-Encoding: canary\r\n\r\n", "header Transfer-Encoding"},
		"chunk size":                    {ok + "Transfer-Encoding: chunked\r\n\r\n{canary}\r\n", "size of a chunk"},
		"chunk size with an extension":  {ok + "Transfer-Encoding: chunked\r\n\r\nzz;canary\r\n", "size of a chunk"},
		"chunk longer than it says":     {ok + "Transfer-Encoding: chunked\r\n\r\n1\r\ncanary\r\n0\r\n\r\n", "chunk longer"},
		"line of a chunk without CR":    {ok + "Transfer-Encoding: chunked\r\n\r\ncanary\n", "without CR LF"},
		"trailer":                       {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Sum : canary\r\n\r\n", "header X-Sum has white space"},
		"another protocol, unasked":     {"HTTP/1.1 101 canary\r\nUpgrade: canary\r\nConnection: Upgrade\r\n\r\n", "switches protocols unasked"},
		"head that breaks off":          {ok + "X: canary", "breaks off"},
		"head of too many bytes":        {ok + "X: " + strings.Repeat("canary", 50_000), "more than"},
		"interim answers without end":   {strings.Repeat("HTTP/1.1 103 canary\r\nLink: canary\r\n\r\n", 20), "interim"},
		"interim answer and then noise": {"HTTP/1.1 103 canary\r\n\r\ncanary\r\n\r\n", "first line is not a status line"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := faultOf(t, tc.answer, "")
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tc.want) || strings.Contains(strings.ToLower(err.Error()), "canary") {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	t.Run("another protocol than was asked for", func(t *testing.T) {
		t.Parallel()
		err := faultOf(t, "HTTP/1.1 101 OK\r\nUpgrade: canary\r\nConnection: Upgrade\r\n\r\n", "websocket")
		if !errors.Is(err, ErrMalformed) || strings.Contains(err.Error(), "canary") {
			t.Error(err)
		}
	})
}

// faultOf returns the error of a request, maybe for an upgrade, to an app that answers with these bytes.
func faultOf(t *testing.T, answer, upgrade string) error {
	t.Helper()
	to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, answer)
		}
		_ = c.Close()
	})
	d := NewDirect(time.Now)
	t.Cleanup(d.Close)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if upgrade != "" {
		r.Header.Set("Upgrade", upgrade)
	}
	return d.Forward(httptest.NewRecorder(), r, to, newSpy())
}
