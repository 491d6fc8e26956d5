package identity

import (
	"strings"
	"testing"
)

// FuzzReserved compares with the rule in its plainest words.
func FuzzReserved(f *testing.F) {
	for _, name := range []string{"X-Auth-Name", "x_auth.name", "X-Authorization", "Forwarded", "X-Forwarded-For", "X~Real|Ip", "Accept", "", "Remote-User", "x-" + strings.Repeat("-", 60) + "auth"} {
		f.Add(name)
	}
	exact := strings.Fields("xaccesstoken xidtoken remoteuser remotename remoteemail remotegroups xremoteuser forwarded xrealip xclientip xclusterclientip " +
		"trueclientip xoriginalurl xoriginaluri xoriginalmethod xoriginalhost xrewriteurl clientip xscheme xurlscheme frontendhttps " +
		"scriptname xscriptname pathinfo shinyservercredentials rstudioconnectcredentials xrstudiousername xstreamlituser plotlyuserdata")
	f.Fuzz(func(t *testing.T, name string) {
		plain := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, name))
		want := strings.HasPrefix(plain, "xforwarded") || strings.HasPrefix(plain, "xauth") && !strings.HasPrefix(plain, "xauthorization")
		for _, e := range exact {
			want = want || plain == e
		}
		if got := Reserved(name); got != want {
			t.Fatalf("Reserved(%q) = %v, its words say %v", name, got, want)
		}
	})
}
