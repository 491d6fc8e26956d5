package upstream

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a tunnel or a request that has ended leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
