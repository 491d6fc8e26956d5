// Package authproxy puts a login in front of one HTTP app: sessions, password protection, logins at OpenID
// providers, access rules, identity headers and the way to the app itself. It must not know how it is started: it
// reads no environment and no file, prints nothing, and takes its clock, its randomness and its log from the caller.
//
// A Config says what is protected and by whom; ConfigFrom makes it from settings and is the only place where an
// AUTH_* variable is interpreted. New turns a Config into a Proxy, which is an http.Handler; Reload gives it
// another Config. What a Config decides is a policy, in policy.go; the order in which a request is handled is
// written down once, in chain.go.
package authproxy
