// Package oidc is the client of an OpenID Connect provider: it discovers the provider, sends users there to log in, and
// verifies what comes back. It must not know the names of cookies, sessions, access rules or pages: it returns the user
// who logged in, and the proxy decides what that user may access.
//
// New does not talk to the provider, so that a proxy starts while the provider is down. Discovery happens on the
// first use, and a few seconds after a failure again; Run does it in the background. Issuers shares discovery and
// keys between the apps of one process.
//
// A login is Begin, whose Transaction a Sealer turns into a short-lived cookie, and Finish, which gets that
// Transaction back together with the query of the callback. Every error wraps one of the sentinels in errors.go.
// No error text contains a token, a code or a secret.
package oidc
