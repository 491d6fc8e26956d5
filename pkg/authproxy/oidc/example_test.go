package oidc_test

import (
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// Issuers are compared as providers name themselves, whatever was typed.
func ExampleNormalIssuer() {
	for _, typed := range []string{"https://Tenant.example.com/", "http://tenant.example.com"} {
		issuer, err := oidc.NormalIssuer(typed)
		fmt.Printf("%q %v\n", issuer, err != nil)
	}
	// Output:
	// "https://tenant.example.com" false
	// "" true
}
