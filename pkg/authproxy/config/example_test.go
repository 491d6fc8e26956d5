package config_test

import (
	"fmt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

func ExampleFrom() {
	variables := map[string]string{"username_main_app": "ann", "password_main_app": "correct horse", "AUTH_PUBLIC_PATHS": "/health"}
	c, err := config.From(config.Source{Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rule := range c.Rules() {
		fmt.Println(rule)
	}
	// Output:
	// /health: open to everybody
	// everything else: password (user ann)
}
