package proxycmd

import (
	"net"
	"net/url"
	"testing"
)

func TestCookieSuffixes(t *testing.T) {
	t.Parallel()
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	for base, want := range map[string][2]string{
		"":                            {"8080", ""},
		"https://app.example.com":     {"443", "8080"},
		"https://app.example.com:443": {"443", "8080"},
		"http://app.example.com":      {"80", "8080"},
		"http://app.example.com:9000": {"9000", "8080"},
		"https://app.example.com/":    {"443", "8080"},
		"https://app.example.com/a":   {"443p6a50dc85", "8080"},
		"https://app.example.com/a/":  {"443p6a50dc85", "8080"},
		"https://app.example.com/b":   {"443p9812b0b9", "8080"},
	} {
		var u *url.URL
		if base != "" {
			var err error
			if u, err = url.Parse(base); err != nil {
				t.Fatal(err)
			}
		}
		if suffix, former := cookieSuffixes(u, at); suffix != want[0] || former != want[1] {
			t.Errorf("%q: %q, %q; want %q", base, suffix, former, want)
		}
	}
}
