package oidc

import (
	"errors"
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Sentinel errors. Each leads to another page: try again later, fix the configuration, start over, or access denied.
var (
	// ErrUnavailable: the provider cannot be reached, is too slow, or sends an unexpected response.
	ErrUnavailable = errors.New("the provider is not available")
	// ErrMisconfigured: provider and configuration do not match, and waiting does not help.
	ErrMisconfigured = errors.New("the provider and the configuration do not match")
	// ErrTransaction: the callback belongs to no login that this browser has under way with this provider.
	ErrTransaction = errors.New("no such login is in progress")
	// ErrExpired: the login took too long. It wraps ErrTransaction.
	ErrExpired = fmt.Errorf("%w: it has expired", ErrTransaction)
	// ErrReplayed: this login, or this logout token, has been used before. A reloaded callback page does that.
	ErrReplayed = errors.New("used before")
	// ErrCallback: the query of the callback is malformed, or another provider sent it.
	ErrCallback = errors.New("the callback is wrong")
	// ErrDenied: the provider, or the user there, denied the login.
	ErrDenied = errors.New("the provider denied the login")
	// ErrToken: a token is not valid.
	ErrToken = errors.New("the token is not valid")
	// ErrIdentity: the token is valid, but what it says about the user cannot be used.
	ErrIdentity = errors.New("the account cannot be used")
)

// Refusal is an error that the provider reported, at the callback or at the token endpoint. Both texts are safe to show:
// they are short and have only printable characters. It matches ErrMisconfigured where the provider finds fault with the
// application, ErrUnavailable where it cannot answer now, and ErrDenied where the login was denied. An unknown code
// matches ErrDenied at the callback, which users see; at the token endpoint ErrUnavailable, which ends no session.
type Refusal struct {
	Code        string // such as access_denied
	Description string // in the provider's words, at the callback alone; may be empty

	atCallback bool
}

// Error is for the log. The description is left out: it is for the user, and may contain anything.
func (r *Refusal) Error() string {
	text := "the provider answered " + r.Code
	if hint := r.Hint(); hint != "" {
		text += ": " + hint
	}
	return text
}

// Is matches the sentinel that the code belongs to.
func (r *Refusal) Is(target error) bool { return target == r.sentinel() }

const (
	maxCode        = 64  // characters of an error code
	maxDescription = 300 // characters of an error description
)

// newRefusal sanitizes texts from the callback URL, which anyone can write (security classes 17, 22).
func newRefusal(code, description string) *Refusal {
	if code = httpclient.OneLine(code, maxCode); code == "" {
		code = "unknown_error"
	}
	return &Refusal{Code: code, Description: httpclient.OneLine(description, maxDescription)}
}
