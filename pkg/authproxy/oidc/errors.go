package oidc

import (
	"errors"
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// What can go wrong. Each calls for another page: try again later, mend the configuration, start over, or no.
var (
	// ErrUnavailable: the provider cannot be reached, is too slow, or answers with something else than it should.
	ErrUnavailable = errors.New("the provider is not available")
	// ErrMisconfigured: provider and configuration do not fit, and waiting does not help.
	ErrMisconfigured = errors.New("the provider and the configuration do not match")
	// ErrTransaction: the callback belongs to no login that this browser has under way with this provider.
	ErrTransaction = errors.New("no such login is in progress")
	// ErrExpired: the login took too long. It wraps ErrTransaction.
	ErrExpired = fmt.Errorf("%w: it has expired", ErrTransaction)
	// ErrReplayed: this login, or this logout token, has been used before. A reloaded callback page does that.
	ErrReplayed = errors.New("used before")
	// ErrCallback: the query of the callback is malformed, or another provider sent it.
	ErrCallback = errors.New("the callback is wrong")
	// ErrDenied: the provider, or the person, said no.
	ErrDenied = errors.New("the provider denied the login")
	// ErrToken: a token is not to be believed.
	ErrToken = errors.New("the token is not valid")
	// ErrIdentity: the token is genuine, but what it says about the person cannot be used.
	ErrIdentity = errors.New("the account cannot be used")
)

// Refusal is an error that the provider reported, at the callback or to us. Both texts are safe to show: they are
// short and hold nothing but printable characters. It matches ErrMisconfigured where the provider finds fault with the
// application, ErrUnavailable where it cannot answer now, and ErrDenied where somebody said no. A code of the provider's
// own is a no at the callback, which people see; in an answer to us it is ErrUnavailable, which ends no session.
type Refusal struct {
	Code        string // such as access_denied
	Description string // in the provider's words, at the callback alone; may be empty

	atCallback bool
}

// Error is for the log. The description is left out: it is the visitor's to see, and what is in it nobody knows.
func (r *Refusal) Error() string {
	text := "the provider answered " + r.Code
	if advice := r.Advice(); advice != "" {
		text += ": " + advice
	}
	return text
}

// Is matches the sentinel that the code belongs to.
func (r *Refusal) Is(target error) bool { return target == r.class() }

const (
	maxCode        = 64  // characters of an error code
	maxDescription = 300 // characters of an error description
)

// newRefusal takes over what anybody may have written into the address of the callback (security classes 17, 22).
func newRefusal(code, description string) *Refusal {
	if code = httpclient.OneLine(code, maxCode); code == "" {
		code = "unknown_error"
	}
	return &Refusal{Code: code, Description: httpclient.OneLine(description, maxDescription)}
}
