package authproxy_test

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

// TestMain fails if a proxy that has been closed leaves a goroutine behind.
func TestMain(m *testing.M) { leaktest.Main(m) }
