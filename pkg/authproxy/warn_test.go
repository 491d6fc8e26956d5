package authproxy_test

import (
	"net/netip"
	"strings"
	"testing"
)

// Who runs a reverse proxy in front and has not listed it is told so, once.
func TestUnlistedProxyIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trusted, header string
		want            int
	}{
		"not listed": {"10.0.0.0/8", "X-Forwarded-For: 192.0.2.1", 1},
		"listed":     {"127.0.0.0/8", "X-Forwarded-For: 192.0.2.1", 0},
		"no proxy":   {"10.0.0.0/8", "Accept: */*", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mainApp()
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(tc.trusted)}
			env := newEnvironment(t, c, nil)
			for range 3 {
				env.browser().get("/", tc.header)
			}
			logs := env.logs.String()
			if n := strings.Count(logs, "AUTH_TRUSTED_PROXIES"); n != tc.want || strings.Contains(logs, "192.0.2.1") && tc.want == 1 {
				t.Errorf("%d warnings, want %d:\n%s", n, tc.want, logs)
			}
		})
	}
}
