package forwarded

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

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

func ExampleRead() {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.7:4711"
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.4")
	r.Header.Set("X-Forwarded-Proto", "https")
	trusted := Read(r, Trusted{netip.MustParsePrefix("10.0.0.0/8")}, false, false)
	unknown := Read(r, nil, false, false)
	fmt.Println(trusted.Addr, trusted.Proto())
	fmt.Println(unknown.Addr, unknown.Proto())
	// Output:
	// 198.51.100.4 https
	// 10.0.0.7 http
}
