package gateway

import "strings"

// place says what a Host header names.
type place int

const (
	elsewhere  place = iota
	anApp            // an app of the platform, or one that does not exist
	bareDomain       // the domain below which apps are
)

// locate reads a Host header, with or without a port. The ID of the project is in lower case; domain is too.
func locate(host, domain string) (projectID string, at place) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if !isPort(host[i+1:]) {
			return "", elsewhere
		}
		host = host[:i]
	}
	if len(host) == len(domain) && strings.EqualFold(host, domain) {
		return "", bareDomain
	}
	label := len(host) - len(domain) - 1
	if label < 1 || host[label] != '.' || !strings.EqualFold(host[label+1:], domain) {
		return "", elsewhere
	}
	for i := range label {
		if c := host[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return "", elsewhere
		}
	}
	return strings.ToLower(host[:label]), anApp
}

func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
