// Package devidp is a small OpenID provider for testing logins on one machine, without an account anywhere. Anyone
// who can connect to it can log in as any user without a password: so it only listens on loopback, has one client,
// whose secret is new at every start, and forgets everything when it stops. It knows nothing about the proxy,
// projects or the command line.
//
// It speaks what a login needs of OpenID Connect Core 1.0 and RP-Initiated Logout 1.0, and nothing else: the code flow
// with PKCE, refresh tokens, userinfo and logout. authorize.go begins a login, choose.go asks who logs in, token.go
// hands the tokens out, logout.go ends it.
package devidp
