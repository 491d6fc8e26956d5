package target_test

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/redirecttest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// The property behind it: wherever the redirect leads, it is a path of this origin.
func FuzzOpenRedirect(f *testing.F) {
	for _, address := range redirecttest.Hostile() {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got := target.Local(address, target.Parse)
		if got != "/" && got != address {
			t.Errorf("%q became %q", address, got)
		}
		if host := redirecttest.Host("http://app.example", got); host != "app.example" {
			t.Errorf("%q leads to %q", address, host)
		}
	})
}
