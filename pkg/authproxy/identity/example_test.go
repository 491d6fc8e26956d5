package identity_test

import (
	"fmt"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// A name that is not ASCII goes out percent-encoded as well.
func ExampleIdentity_Set() {
	h := http.Header{"X-Auth-Name": {"what the client says"}}
	who := identity.Identity{Name: "zoë@example.com", Subject: "auth0|7"}
	who.Set(h)
	fmt.Println(h["X-Auth-Name"], h["X-Auth-Sub"], h[identity.HeaderNameEncoded])
	// Output: [zoë@example.com] [auth0|7] [zo%C3%AB%40example.com]
}
