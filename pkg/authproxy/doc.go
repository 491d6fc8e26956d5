// Package authproxy puts a login in front of one HTTP app: sessions, password protection, logins at OpenID
// providers, access rules, identity headers and the way to the app itself. It must not know how it is started: it
// reads no environment and no file, prints nothing, and takes its clock, its randomness and its log from the caller.
//
// A config.Config says what is protected and how. New turns it into a Proxy, which is an http.Handler; Reload gives
// it another one. The order in which a request is handled is written down once, in chain.go.
package authproxy
