package identity

import "strings"

// Reserved reports whether a header of this name must not reach the app from a client: it speaks about who is
// asking, about the connection in front of the proxy, or about where the app is mounted, which moves the path that the
// app reads away from the one that the rules were asked about: gunicorn takes SCRIPT_NAME off the path, Solara puts the
// first X-Script-Name in front of everybody's scripts. Servers disagree about which names are one and the same
// (CGI-like ones turn '-', '.' and often everything but letters and digits into '_', and join duplicates), so every
// spelling counts. All of X-Auth-* is ours, except X-Authorization, which apps use for tokens of their own.
func Reserved(name string) bool {
	var buf [maxReserved]byte
	n := 0
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			continue
		}
		if n == len(buf) {
			break // longer than any exact name; the prefixes are decided by what is in buf
		}
		buf[n] = c
		n++
	}
	switch plain := string(buf[:n]); plain {
	case "xaccesstoken", "xidtoken",
		"remoteuser", "remotename", "remoteemail", "remotegroups", "xremoteuser",
		"forwarded", "xrealip", "xclientip", "xclusterclientip", "trueclientip",
		"xoriginalurl", "xoriginaluri", "xoriginalmethod", "xoriginalhost", "xrewriteurl",
		"clientip", "xscheme", "xurlscheme", "frontendhttps", // Rails; Tornado and what runs on it; IIS
		"scriptname", "xscriptname", "pathinfo",
		// Users, to the frameworks themselves: Shiny, Streamlit, Dash.
		"shinyservercredentials", "rstudioconnectcredentials", "xrstudiousername", "xstreamlituser", "plotlyuserdata":
		return true
	default:
		return strings.HasPrefix(plain, "xforwarded") || strings.HasPrefix(plain, "xauth") && !strings.HasPrefix(plain, "xauthorization")
	}
}

// maxReserved is the length of the longest exact name in Reserved and a little more.
const maxReserved = 32
