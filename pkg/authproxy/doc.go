// Package authproxy is a reverse proxy that puts a login in front of one HTTP app: by password or at OpenID providers, with
// sessions, access rules and headers that tell the app who the user is. It does not know how it is started: it reads no
// environment and no file, prints nothing, and takes its clock, its randomness and its log from the caller.
//
// A config.Config says what is protected and how. New turns it into a Proxy, which is an http.Handler, and Reload replaces
// it. The handlers that a request passes are listed in chain.go.
package authproxy
