package platform

import "errors"

// Errors that the packages of the platform share.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrState    = errors.New("not possible in this state") // see State.CanBecome
	ErrLimit    = errors.New("limit reached")              // of the user's tier
)
