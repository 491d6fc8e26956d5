package oidc

import (
	"net/url"
	"time"
)

// Parsers, for fuzzing them without what guards them.
var (
	ParseTransaction = parseTransaction
	Printable        = printable
)

// Limits that tests reach.
const (
	MaxSealed = maxSealed
	MaxSpent  = maxSpent
)

func ParseCallback(query url.Values) (state string, refusal *Refusal, err error) {
	c, err := parseCallback(query)
	return c.state, c.refusal, err
}

func UseOnce() *spent { return newSpent() }

func (s *spent) Use(value string, now, until time.Time) bool { return s.use(value, now, until) }
func (s *spent) Len() int                                    { return len(s.until) }
