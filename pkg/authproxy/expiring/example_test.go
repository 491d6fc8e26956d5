package expiring_test

import (
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// A replay cache lets a token in once, for as long as the token is good.
func Example() {
	now := time.Now()
	seen := expiring.New[string, struct{}](1000)
	fmt.Println(seen.Add("token", struct{}{}, now, time.Minute))
	fmt.Println(seen.Add("token", struct{}{}, now, time.Minute))
	fmt.Println(seen.Add("token", struct{}{}, now.Add(time.Minute), time.Minute))
	// Output:
	// true
	// false
	// true
}
