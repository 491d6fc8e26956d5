package upstream_test

import (
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

func ExampleParseTarget() {
	for _, base := range []string{"http://127.0.0.1:8501", "https://app.internal", "unix:/run/app.sock", "app:8501/path"} {
		target, err := upstream.ParseTarget(base)
		fmt.Println(target.Address, target.TLS, target.Socket, err != nil)
	}
	// Output:
	// 127.0.0.1:8501 false  false
	// app.internal:https true  false
	// localhost false /run/app.sock false
	//  false  true
}
