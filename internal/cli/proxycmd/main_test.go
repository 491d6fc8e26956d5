package proxycmd

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }
