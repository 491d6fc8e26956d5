// Package devidp is a small OpenID provider for trying logins on one machine, without an account anywhere. Whoever
// reaches it can log in as any user, without a password: so it listens on loopback only, knows one application,
// whose secret is new at every start, and forgets everything when it ends. It must not know the proxy, projects or
// the command line.
//
// github.com/zitadel/oidc speaks the protocol. Ours are what it keeps (store.go), the people (user.go), and the
// page on which one of them is chosen (choose.go, pages/).
package devidp
