// Package freeport finds TCP ports of the loopback interface for programs that tests start, and that must be told a port
// before they take it. It must not know the programs.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gofrs/flock"
)

// The ports lie below those that systems give to connections and to listeners at port 0 (from 32768 on Linux), of which
// one could be given away between the choice and the use.
const first, after = 20000, 32000

// Take returns a port that nobody listens on and that no other test, of this process or of another one, is given until
// release is called.
func Take() (port int, release func(), err error) {
	dir := filepath.Join(os.TempDir(), "ploomber-cloud-test-ports")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, nil, err
	}
	for range 1000 {
		port := first + rand.IntN(after-first)
		lock := flock.New(filepath.Join(dir, strconv.Itoa(port)))
		if ok, err := lock.TryLock(); err != nil {
			return 0, nil, fmt.Errorf("reserve port %d: %w", port, err)
		} else if !ok {
			continue
		}
		release = func() { _ = lock.Unlock() } // the file stays: another process may have opened it
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			_ = l.Close()
			return port, release, nil
		}
		release()
	}
	return 0, nil, errors.New("no free port")
}

// For returns a port that is the test's until it ends.
func For(t testing.TB) int {
	t.Helper()
	port, release, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// Address returns 127.0.0.1 with a port that is the test's until it ends.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(For(t)))
}
