package navigation_test

import (
	"fmt"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
)

func Example() {
	for _, header := range []http.Header{
		{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}},
		{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}},
		{"Sec-Fetch-Mode": {"navigate"}, "Sec-Purpose": {"prefetch"}},
	} {
		r := &http.Request{Method: http.MethodGet, Header: header}
		fmt.Println(navigation.IsPageVisit(r), navigation.IsSubresource(header), navigation.IsSpeculative(header))
	}
	// Output:
	// true false false
	// false true false
	// false true true
}
