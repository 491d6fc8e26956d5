package keys_test

import (
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
)

// A signed value is good for one purpose, until it expires.
func ExampleSigner() {
	s := keys.NewSigner([]string{"a secret of 32 random characters"}, nil, time.Now)
	signed := s.Sign("login form", "value", time.Minute)
	value, ok := s.Verify("login form", signed)
	_, other := s.Verify("another purpose", signed)
	fmt.Println(value, ok, other)
	// Output: value true false
}
