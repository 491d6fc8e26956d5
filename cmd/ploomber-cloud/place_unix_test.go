//go:build unix

package main_test

import (
	"os"
	"testing"
	"time"
)

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s did not happen", what)
}

// unavailable skips a test that needs something this machine does not have, and fails it where all must be there.
func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}
