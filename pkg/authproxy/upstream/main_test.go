package upstream

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/leaks"
)

// TestMain fails if a tunnel or a request that has ended leaves a goroutine behind.
func TestMain(m *testing.M) { leaks.Main(m) }
