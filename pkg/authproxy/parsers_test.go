package authproxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// FuzzTarget: what passes means the same path to the standard library, however often it is decoded, and has nothing
// in it that any server resolves.
func FuzzTarget(f *testing.F) {
	for _, target := range []string{"/", "/a/b?c=d", "/a%20b", "/caf%C3%A9", "/100%25", "/a/../b", "//a", "/%2e%2e/", "/a;b", "/a%2fb", "/a\\b", "/?/../x", "*", "http://x/", "/%e0%80%af", "/.%20/x", "/%"} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		path, err := parseTarget(target)
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Path != path || u.Host != "" {
			t.Fatalf("parseTarget(%q) = %q, the standard library reads %v, %v", target, path, u, err)
		}
		for reading := path; ; {
			if !strings.HasPrefix(reading, "/") || strings.HasPrefix(reading, "//") || strings.ContainsAny(reading, "\\;#\x00\r\n\t") {
				t.Fatalf("parseTarget(%q) = %q, which may be read as %q", target, path, reading)
			}
			for segment := range strings.SplitSeq(reading, "/") {
				if bare := strings.TrimRight(segment, " "); bare == "." || bare == ".." {
					t.Fatalf("parseTarget(%q) = %q has the segment %q", target, path, segment)
				}
			}
			again, err := url.PathUnescape(reading)
			if err != nil || again == reading {
				return
			}
			reading = again
		}
	})
}

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

// FuzzSigned: only what was signed for a purpose is good, for that purpose, until it has expired.
func FuzzSigned(f *testing.F) {
	now := time.Unix(1_900_000_000, 0)
	s := newSigner([]Secret{"a secret of the fuzz target"}, nil, func() time.Time { return now })
	f.Add("value", s.sign("purpose", "value", time.Minute))
	f.Add("", "..")
	f.Add("a.b", "a.b.c.d")
	f.Fuzz(func(t *testing.T, value, forged string) {
		signed := s.sign("purpose", value, time.Minute)
		if got, ok := s.verify("purpose", signed); !ok || got != value {
			t.Fatalf("%q came back as %q, %v", value, got, ok)
		}
		if _, ok := s.verify("another", signed); ok {
			t.Fatal("good for another purpose")
		}
		if got, ok := s.verify("purpose", forged); ok && forged != s.sign("purpose", got, time.Minute) {
			t.Fatalf("%q was taken for %q", forged, got)
		}
		late := newSigner([]Secret{"a secret of the fuzz target"}, nil, func() time.Time { return now.Add(time.Minute) })
		if _, ok := late.verify("purpose", signed); ok {
			t.Fatal("good after its time")
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
