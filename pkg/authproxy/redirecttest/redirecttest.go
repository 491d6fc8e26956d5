// Package redirecttest holds the return addresses with which people try to make a login lead elsewhere, and reads
// redirects as browsers do. It must not know how the proxy decides. Security class 6.
package redirecttest

import (
	"net/url"
	"strings"
)

// Host resolves a redirect as the URL standard has browsers do it, and returns the host it leads to.
func Host(base, target string) string {
	target = strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	target = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(target)
	target = strings.ReplaceAll(target, "\\", "/")
	for _, scheme := range []string{"http:", "https:"} {
		if strings.HasPrefix(strings.ToLower(target), scheme) {
			target = scheme + "//" + strings.TrimLeft(target[len(scheme):], "/")
		}
	}
	if strings.HasPrefix(target, "//") {
		target = "//" + strings.TrimLeft(target, "/")
	}
	b, _ := url.Parse(base)
	u, err := b.Parse(target)
	if err != nil {
		return "unparsable"
	}
	if u.Scheme != "http" {
		return u.Scheme + ":"
	}
	return u.Host
}

// Hostile are return addresses that leave the origin in some reader, or try to.
func Hostile() []string {
	var all []string
	hosts := []string{"evil.example", "evil.example%2f", "good.example@evil.example", "good.example.evil.example", "evil.example:80", "3232235777",
		"[::1]", "ｅvil.example", "xn--evl-ipa.example"}
	for _, host := range hosts {
		for _, before := range []string{"//", "///", "////", "/\\", "\\\\", "\\/", "/\t/", "/\n/", "/\r\n/", "\t//", " //", "/ /", "/%09/", "/%5c", "/%2f", "/%5c%5c",
			"/%2f%2f", "/./", "/.//", "/..//", "/%2e%2e//", "/;//", "/#//", "/?//\\", "http://", "https://", "HTTP://", "hTTps:", "http:", "https:/", "http:\\\\", "//\\", "/\\/",
			"/\x00/", "\x00//", "/\u2028/", "/\u3000/", "/\u200b/", "/\ufeff/", "／／", "/／", "/\x0b/", "/\x0c/", "/\x7f/", "/\xc0\xaf", "javascript://", "data://", "ftp://", "//user:pw@",
			"@", "", ".", "/_auth/../", "/_auth//", "/a/..//", "/a/../\\", "/\\\t\\", "/%0d%0a//", "/%0aLocation:%20//", "//%", "/%//"} {
			all = append(all, before+host, before+host+"/x", before+host+"/..;/")
		}
	}
	return append(all, "", " ", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "/\r\nSet-Cookie: x=y", "/"+strings.Repeat("a", 5000),
		"/logout", "/exit", "/_auth/login", "/_auth/login?next=/x", "/%5fauth/login")
}
