// Package devidp is a small OpenID provider for trying logins on one machine, without an account anywhere. Whoever
// reaches it can log in as any user, without a password: so it listens on loopback only, knows one application,
// whose secret is new at every start, and forgets everything when it ends. It must not know the proxy, projects or
// the command line.
//
// It speaks what a login needs of OpenID Connect Core 1.0 and RP-Initiated Logout 1.0, and nothing else: the code flow
// with PKCE, refresh tokens, userinfo and logout. authorize.go begins a login, choose.go asks who logs in, token.go
// hands the tokens out, logout.go ends it.
package devidp
