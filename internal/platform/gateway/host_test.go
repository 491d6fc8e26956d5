package gateway

import (
	"net/url"
	"strings"
	"testing"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]struct {
		id string
		at place
	}{
		"shop.apps.example.com":      {"shop", anApp},
		"shop.apps.example.com:8080": {"shop", anApp},
		"SHOP-2.Apps.Example.COM":    {"shop-2", anApp},
		"apps.example.com":           {"", bareDomain},
		"APPS.example.com:443":       {"", bareDomain},
		"example.com":                {"", elsewhere},
		"a.b.apps.example.com":       {"", elsewhere},
		".apps.example.com":          {"", elsewhere},
		"shopapps.example.com":       {"", elsewhere},
		"shop.apps.example.com.":     {"", elsewhere}, // another origin to browsers: logins would not work
		"shop.apps.example.com:x":    {"", elsewhere},
		"sh%6fp.apps.example.com":    {"", elsewhere},
		"[::1]:8080":                 {"", elsewhere},
		"127.0.0.1:8080":             {"", elsewhere},
		"":                           {"", elsewhere},
		":8080":                      {"", elsewhere},
	} {
		if id, at := locate(host, "apps.example.com"); id != want.id || at != want.at {
			t.Errorf("%q: %q, %d; want %q, %d", host, id, at, want.id, want.at)
		}
	}
}

// FuzzLocate compares with the host name that the standard library reads from a URL.
func FuzzLocate(f *testing.F) {
	for _, host := range []string{"a.localhost", "A.LOCALHOST:80", "localhost", "a.b.localhost", "[::1]:80", "a.localhost:", "a:b@c.localhost", "\u212a.localhost"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		id, at := locate(host, "localhost")
		if at == elsewhere {
			return
		}
		u, err := url.Parse("http://" + host)
		if err != nil || u.User != nil || u.Path != "" {
			t.Fatalf("%q: taken for a host", host)
		}
		want := "localhost"
		if at == anApp {
			want = id + ".localhost"
		}
		if got := strings.ToLower(u.Hostname()); got != want || strings.Contains(id, ".") {
			t.Fatalf("%q: project %q, but the host is %q", host, id, got)
		}
	})
}
