package identity

import (
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReserved(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Auth-Name": true, "x-auth-name": true, "X_Auth_Name": true, "X.Auth.Name": true, "X-Auth_Name": true,
		"x_AUTH-name": true, "X~Auth|Name": true, "X!Auth+Name^": true, "XAuthName": true, "X Auth Name": true, "X-Auth-Sub": true, "X-Auth-Groups": true,
		"X_Auth.Whatever": true, "X-Auth": true, "X-Access-Token": true, "X_Access_Token": true, "X-Id-Token": true,
		"X.Id.Token": true, "X-Forwarded-For": true, "X_Forwarded_For": true, "X-Forwarded-User": true,
		"X-Forwarded-Prefix-Of-Unusual-Length-Indeed": true, "Forwarded": true, "X-Real-IP": true,
		"X-Original-URL": true, "X-Rewrite-Url": true, "Remote_User": true, "Remote-Groups": true,
		"X-Auth-" + strings.Repeat("long", 40): true,
		"SCRIPT_NAME":                          true, "Script-Name": true, "X-Script-Name": true, "PATH_INFO": true, "X-Scheme": true, "Client-Ip": true, "Front-End-Https": true,
		"Shiny-Server-Credentials": true, "RStudio-Connect-Credentials": true, "X-Streamlit-User": true, "Plotly-User-Data": true,

		"Authorization": false, "X-Authorization": false, "Cookie": false, "Accept": false, "X-Request-Id": false,
		"X-Requested-With": false, "Auth-Name": false, "X-Api-Key": false, "Script": false, "Path": false, "Shiny-File-Name": false, "Bokeh-Session-Id": false, "": false, "-": false,
	} {
		if got := Reserved(name); got != want {
			t.Errorf("Reserved(%q) = %v, want %v", name, got, want)
		}
	}
}

// Security class 1: whatever way the separators and letters of one of our names are written, it stays ours.
func TestReservedInEverySpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Split(rapid.SampledFrom([]string{HeaderName, HeaderSubject, HeaderAccessToken, HeaderIDToken,
			"X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip"}).Draw(t, "name"), "-")
		var b strings.Builder
		for i, word := range words {
			if i > 0 {
				b.WriteString(rapid.SampledFrom([]string{"-", "_", ".", "--", "_-", "", "~", "!", "#", "$", "%", "&", "'", "*", "+", "^", "`", "|"}).Draw(t, "separator"))
			}
			for _, c := range word {
				if rapid.Bool().Draw(t, "upper") {
					b.WriteString(strings.ToUpper(string(c)))
				} else {
					b.WriteString(strings.ToLower(string(c)))
				}
			}
		}
		if !Reserved(b.String()) {
			t.Fatalf("Reserved(%q) = false", b.String())
		}
	})
}

func TestSet(t *testing.T) {
	t.Parallel()
	h := http.Header{HeaderName: {"mallory", "twice"}}
	id := Identity{Name: "zoë@example.com", Subject: "auth0|1", AccessToken: "a", IDToken: strings.Repeat("t", MaxToken+1)}
	id.Set(h)
	for name, want := range map[string]string{
		HeaderName: "zoë@example.com", HeaderSubject: "auth0|1", HeaderAccessToken: "a", HeaderIDToken: "",
	} {
		if got := strings.Join(h.Values(name), "|"); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"ann": true, "zoë": true, "": true, "a b": true,
		"a\r\nX-Auth-Name: root": false, "a\x00": false, "a\x7f": false, "a\u0085b": false} {
		if Clean(s) != want {
			t.Errorf("Clean(%q) = %v", s, !want)
		}
	}
}
