package export

import "strings"

// The identity headers that the app trusts, without separators: no header of the client may be mistaken for one.
func identityHeaders() [][]string {
	return [][]string{{"X", "Auth", "Name"}, {"X", "Auth", "Sub"}, {"X", "Access", "Token"}, {"X", "Id", "Token"}}
}

// clearedHeaders are the headers that are removed from requests. nginx removes headers by full name only, so what
// authproxy removes by prefix is a list here: the names used by well-known proxies.
//
// Identity headers are also listed with underscores. nginx drops headers with an underscore or a dot unless
// configured otherwise, possibly by another server on the same port: that server's setting applies until the Host
// header has been read.
func clearedHeaders() []string {
	var names []string
	for _, words := range identityHeaders() {
		names = append(names, spellings(words)...)
	}
	return append(names,
		"X-Auth-User", "X-Auth-Username", "X-Auth-Email", "X-Auth-Groups", "X-Auth-Roles", "X-Auth-Token", "X-Auth-Id",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
		"X-Auth-Request-Access-Token", "X-Remote-User", "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups",
		"Forwarded", "X-Forwarded", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Uri",
		"X-Forwarded-Method", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Protocol", "X-Forwarded-Ssl",
		"X-Forwarded-By", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
		"X-Forwarded-Access-Token", "X-Forwarded-Client-Cert", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"True-Client-Ip", "Client-Ip", "X-Scheme", "X-Url-Scheme", "Front-End-Https", "X-Original-Url", "X-Original-Uri", "X-Original-Method", "X-Original-Host", "X-Rewrite-Url",
		"Script-Name", "Script_Name", "X-Script-Name", "X_Script_Name", "Path-Info", "Path_Info", // where the app is mounted
		"Shiny-Server-Credentials", "Shiny_Server_Credentials", "RStudio-Connect-Credentials", "X-RStudio-Username", "X-Streamlit-User", "Plotly-User-Data",
		"Proxy", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Trailer", "Http2-Settings",
	)
}

// spellings joins words by "-", "_" and nothing, in every combination except the one that we set ourselves.
func spellings(words []string) []string {
	names := []string{words[0]}
	for _, word := range words[1:] {
		var longer []string
		for _, begin := range names {
			for _, separator := range []string{"-", "_", ""} {
				longer = append(longer, begin+separator+word)
			}
		}
		names = longer
	}
	var others []string
	for _, name := range names {
		if ours := strings.Join(words, "-"); name != ours || name != "X-Auth-Name" && name != "X-Auth-Sub" {
			others = append(others, name)
		}
	}
	return others
}
