package upstream

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

// TestMain fails if a tunnel or a request that has ended leaves a goroutine behind.
func TestMain(m *testing.M) { leaktest.Main(m) }
