package authproxy_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a proxy that has been closed leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
