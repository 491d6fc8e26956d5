package requestid_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
)

func ExampleGenerator_Of() {
	ids := requestid.NewGenerator(strings.NewReader(strings.Repeat("0123456789abcdef", 256)))
	fmt.Println(ids.Of(http.Header{requestid.Header: {"from-the-balancer"}}))
	fmt.Println(ids.Of(http.Header{requestid.Header: {"not fit for a log"}}))
	// Output:
	// from-the-balancer
	// 30313233343536373839616263646566
}
