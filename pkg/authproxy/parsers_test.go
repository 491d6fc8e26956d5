package authproxy

import (
	"net/http"
	"strings"
	"testing"
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
			if !ownsCookie(c.Name) {
				wanted[c.Name] = c.Value
			}
		}
		dropCookies(r.Header)
		for _, c := range r.Cookies() {
			if ownsCookie(c.Name) {
				t.Fatalf("%q, %q: the app gets %s", first, second, c.Name)
			}
			delete(wanted, c.Name)
		}
		if len(wanted) > 0 {
			t.Fatalf("%q, %q: the app lacks %v", first, second, wanted)
		}
	})
}

// FuzzForwarded: elements that we write are read as they were, whatever stands in them, and nothing else makes it panic
// or invent text.
func FuzzForwarded(f *testing.F) {
	f.Add("192.0.2.1", "https", "app.example.com", `for=a;proto=b, for="c\"d"`)
	f.Add(`[2001:db8::1]:80`, "wss", `a"b\c;d,e`, `;,=`)
	f.Fuzz(func(t *testing.T, client, proto, host, anything string) {
		for _, value := range parseForwarded(anything).chain {
			if len(value) > len(anything) {
				t.Fatalf("%q has the element %q", anything, value)
			}
		}
		quote := func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
		got := parseForwarded("For=" + quote(client) + ";PROTO=" + quote(proto) + ";host=" + quote(host) + " ,\tfor=" + quote(client))
		if got.proto != proto || got.host != host || len(got.chain) != 2 || got.chain[0] != client || got.chain[1] != client {
			t.Fatalf("%q, %q, %q were read as %q", client, proto, host, got)
		}
	})
}
