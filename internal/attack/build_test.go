package attack

import (
	"os"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/program"
)

var builds program.Builds

func TestMain(m *testing.M) { os.Exit(builds.Main(m)) }

// attacked returns the path of the built program, or of the one that PLOOMBER_TEST_PROGRAM names. Under the race
// detector the tests whose names end in Race attack a program that is watched by it too; it would make the others,
// which hash many passwords, take minutes.
func attacked(t *testing.T) string {
	t.Helper()
	switch path := os.Getenv("PLOOMBER_TEST_PROGRAM"); {
	case path != "":
		return path
	case raced && strings.HasSuffix(t.Name(), "Race"):
		return builds.RacePath(t)
	}
	return builds.Path(t)
}
