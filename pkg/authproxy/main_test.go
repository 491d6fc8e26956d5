package authproxy_test

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/leaks"
)

// TestMain fails if a proxy that has been closed leaves a goroutine behind.
func TestMain(m *testing.M) { leaks.Main(m) }
