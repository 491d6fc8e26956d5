//go:build unix

package nowait_test

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait"
)

// pair returns both ends of a connection. Neither blocks.
func pair() (here, there int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return 0, 0, err
	}
	return fds[0], fds[1], errors.Join(unix.SetNonblock(fds[0], true), unix.SetNonblock(fds[1], true))
}

func Example() {
	here, there, err := pair()
	if err != nil {
		panic(err)
	}
	b := make([]byte, 10)
	_, err = nowait.Read(uintptr(there), b)
	fmt.Println(errors.Is(err, syscall.EAGAIN))
	_, _ = nowait.Write(uintptr(here), []byte("hello"))
	n, _ := nowait.Peek(uintptr(there), b)
	fmt.Printf("%s\n", b[:n])
	n, _ = nowait.Read(uintptr(there), b)
	fmt.Printf("%s\n", b[:n])
	_ = unix.Close(here)
	n, err = nowait.Read(uintptr(there), b)
	fmt.Println(n, err)
	_ = unix.Close(there)
	// Output:
	// true
	// hello
	// hello
	// 0 <nil>
}

// No call waits, and failures are those of the system.
func TestErrors(t *testing.T) {
	t.Parallel()
	here, there, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	fill := make([]byte, 1<<16)
	for range 1000 {
		if _, err = nowait.Write(uintptr(here), fill); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("write to a full socket: %v, want %v", err, syscall.EAGAIN)
	}
	if _, err := nowait.Peek(uintptr(here), fill[:1]); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("peek at nothing: %v, want %v", err, syscall.EAGAIN)
	}
	if n, err := nowait.Write(uintptr(there), nil); n != 0 || err != nil {
		t.Errorf("write nothing: %d, %v", n, err)
	}
	for _, fd := range []int{here, there} {
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := nowait.Peek(file.Fd(), fill[:1]); !errors.Is(err, syscall.ENOTSOCK) {
		t.Errorf("peek at a file: %v, want %v", err, syscall.ENOTSOCK)
	}
}
