package arch

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// unwantedInBinary finds packages that only tests or developers use among what the program is built of.
func unwantedInBinary(packages []string) []string {
	never := []string{
		"testing", "net/http/httptest", modulePath + "/internal/dev", modulePath + "/internal/arch", "pgregory.net/rapid", "github.com/google/go-cmp",
		"github.com/rogpeppe/go-internal/testscript", "go.uber.org/goleak", "github.com/Netflix/go-expect",
		"github.com/hinshun/vt10x", "github.com/stretchr/testify",
	}
	var found []string
	for _, p := range packages {
		pkg, ours := strings.CutPrefix(p, modulePath+"/")
		if ours && forTests(pkg) || slices.ContainsFunc(never, func(n string) bool { return p == n || strings.HasPrefix(p, n+"/") }) {
			found = append(found, "the program is built with "+p)
		}
	}
	return found
}

func TestNoTestCodeInTheBinary(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	for _, system := range []string{"linux", "darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			c := exec.Command("go", "list", "-deps", "./cmd/ploomber-cloud")
			c.Dir, c.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system)
			list, err := c.Output()
			if err != nil {
				t.Fatal(fmt.Errorf("%s: %w", c, err))
			}
			packages := strings.Fields(string(list))
			if !slices.Contains(packages, modulePath+"/internal/cli") {
				t.Fatalf("go list names %d packages, none of them internal/cli; want those of the program", len(packages))
			}
			report(t, unwantedInBinary(packages))
		})
	}
}

func TestNoTestCodeInTheBinaryRefuses(t *testing.T) {
	t.Parallel()
	expect(t, unwantedInBinary([]string{"os", "testing", "testing/fstest", "testingground", "pgregory.net/rapid",
		modulePath + "/internal/testkit/fakecloud", modulePath + "/internal/devidp", "net/http/httptest",
		modulePath + "/pkg/authproxy/session/sessiontest"}),
		"sessiontest", "testing", "testing/fstest", "pgregory.net/rapid", "testkit/fakecloud", "net/http/httptest")
}
