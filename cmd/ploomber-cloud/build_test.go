package main_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/program"
)

var builds program.Builds

// TestMain runs twice as many tests at once as there are processors: most wait for a process that itself waits before
// it asks once more.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(builds.Main(m))
}
