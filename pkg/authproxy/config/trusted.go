package config

import "net/netip"

// checkTrusted refuses to trust all addresses, in one network or in several together: a trusted proxy can claim any client
// address.
func (c Config) checkTrusted(m *mistakes) {
	for _, prefix := range c.TrustedProxies {
		switch {
		case !prefix.IsValid():
			m.addf(EnvTrustedProxies, "contains an invalid network")
		case prefix.Bits() == 0:
			m.addf(EnvTrustedProxies, "%q trusts everybody", prefix)
		case prefix.Addr().Is4In6():
			m.addf(EnvTrustedProxies, "%q matches nobody, write it as IPv4", prefix)
		}
	}
	if covered(netip.PrefixFrom(netip.IPv4Unspecified(), 0), c.TrustedProxies) {
		m.addf(EnvTrustedProxies, "trusts everybody: together its networks are all of IPv4")
	}
	if covered(netip.PrefixFrom(netip.IPv6Unspecified(), 0), c.TrustedProxies) {
		m.addf(EnvTrustedProxies, "trusts everybody: together its networks are all of IPv6")
	}
}

// covered reports whether every address of a network is in one of several smaller ones.
func covered(network netip.Prefix, by []netip.Prefix) bool {
	var inside []netip.Prefix
	for _, prefix := range by {
		switch {
		case !prefix.IsValid() || !prefix.Overlaps(network):
		case prefix.Bits() > network.Bits():
			inside = append(inside, prefix)
		case network.Bits() > 0: // else it is told already
			return true
		}
	}
	if len(inside) < 2 {
		return false
	}
	low := netip.PrefixFrom(network.Addr(), network.Bits()+1)
	raw := network.Addr().AsSlice()
	raw[network.Bits()/8] |= 0x80 >> (network.Bits() % 8)
	upper, _ := netip.AddrFromSlice(raw)
	return covered(low, inside) && covered(netip.PrefixFrom(upper, low.Bits()), inside)
}
