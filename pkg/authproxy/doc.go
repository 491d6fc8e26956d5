// Package authproxy puts a login in front of one HTTP app: sessions, password protection, identity headers and
// the way to the app itself. It must not know how it is started: it reads no environment and no file, prints
// nothing, and takes its clock, its randomness and its log from the caller.
//
// A Config says what is protected and by whom; ConfigFrom makes it from settings and is the only place where an
// AUTH_* variable is interpreted. New turns a Config into a Proxy, which is an http.Handler. The order in which
// a request is handled is written down once, in chain.go.
package authproxy
