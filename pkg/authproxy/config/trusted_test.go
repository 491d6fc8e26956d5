package config_test

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Some are never everybody, however many and however large (security class 24).
func TestSomeMayBeTrusted(t *testing.T) {
	t.Parallel()
	for _, networks := range []string{"0.0.0.0/1", "0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/3, 224.0.0.0/4", "::/1", "0.0.0.0/1, 8000::/1", "0.0.0.0/1, 0.0.0.0/1, 10.0.0.0/8",
		"10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 127.0.0.0/8, fc00::/7, ::1"} {
		vars := map[string]string{"username_main_app": "ann", "password_main_app": "pw", "AUTH_TRUSTED_PROXIES": networks}
		if _, err := config.From(from(vars)); err != nil {
			t.Errorf("%s: %v", networks, err)
		}
	}
}

// Everybody, cut into many networks of any size, is everybody; without one of them it is not.
func TestEverybodyInPieces(t *testing.T) {
	t.Parallel()
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		pieces := []netip.Prefix{netip.MustParsePrefix(all)}
		for range 200 {
			i := rand.IntN(len(pieces))
			p := pieces[i]
			if p.IsSingleIP() {
				continue
			}
			raw := p.Addr().AsSlice()
			raw[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
			upper, _ := netip.AddrFromSlice(raw)
			pieces[i] = netip.PrefixFrom(p.Addr(), p.Bits()+1)
			pieces = append(pieces, netip.PrefixFrom(upper, p.Bits()+1))
		}
		rand.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		c := mainApp()
		if c.TrustedProxies = pieces; c.Validate() == nil || !strings.Contains(c.Validate().Error(), "trusts everybody") {
			t.Errorf("%s in pieces: %v", all, c.Validate())
		}
		c.TrustedProxies = pieces[1:]
		if err := c.Validate(); err != nil {
			t.Errorf("%s but %s: %v", all, pieces[0], err)
		}
	}
}
