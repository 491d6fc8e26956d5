package target_test

import (
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// What some servers would read as another path is refused.
func ExampleParse() {
	for _, address := range []string{"/reports/caf%C3%A9?year=2026", "/public/..%2fsecret", "//evil.example.com/"} {
		path, err := target.Parse(address)
		fmt.Printf("%q %v\n", path, err)
	}
	// Output:
	// "/reports/café" <nil>
	// "" ambiguous request target
	// "" ambiguous request target
}

// A login leads back to paths of this app only.
func ExampleLocal() {
	for _, address := range []string{"/reports?year=2026", "https://evil.example.com/", "/logout"} {
		fmt.Println(target.Local(address, target.Parse))
	}
	// Output:
	// /reports?year=2026
	// /
	// /
}
