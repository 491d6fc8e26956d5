package access_test

import (
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/access"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

func ExampleRules_Scope() {
	c := config.Config{
		Passwords:   map[config.Feature]config.Login{config.API: {Username: "bot", Password: "a password"}},
		PublicPaths: []string{"/api/health"},
	}.WithDefaults()
	rules := access.NewRules(c, []session.Secret{{}})
	for _, path := range []string{"/", "/api/v1", "/api/health"} {
		scope := rules.Scope(path)
		fmt.Println(path, scope.Name, scope.Open())
	}
	// Output:
	// / main_app true
	// /api/v1 api false
	// /api/health public true
}

func ExamplePolicy_DenialReason() {
	policy := access.NewPolicy(config.Access{Domains: []string{"example.com"}}, nil)
	fmt.Println(policy.DenialReason(&session.Login{Email: "ann@example.com"}))
	fmt.Println(policy.Allows(&session.Login{Email: "ann@example.com", EmailVerified: true}))
	// Output:
	// the provider does not say that the e-mail address is verified
	// true
}
