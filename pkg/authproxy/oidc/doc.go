// Package oidc knows one OpenID Connect provider: it finds the provider, sends people there to log in, and believes
// what comes back only after checking it. It must not know cookies' names on the wire, sessions, access rules or
// pages: it hands over who logged in, and the proxy decides what that opens.
//
// New never talks to the provider, so that a proxy starts while the provider is down. Discovery happens on the
// first use and again after a failure, at most a few seconds later; Run does it without anybody asking.
//
// A login is Begin, whose Transaction a Sealer turns into a short-lived cookie, and Finish, which gets that
// Transaction back together with the query of the callback. Everything that is refused is refused with an error
// that wraps one of the sentinels in errors.go. No error text holds a token, a code or a secret.
package oidc
