package supervise

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// victim is what an intruder knows of another app: everything.
type victim struct {
	Address                                string
	PID, Platform                          int
	Top, Dir, Home, Data, Output, OwnGroup string
	Group                                  string
}

// intrusions are ways to reach another app or the platform. Each returns an error if it fails.
func intrusions(v victim) map[string]func() error {
	read := func(names ...string) func() error {
		return func() error {
			_, err := os.ReadFile(filepath.Join(names...))
			return err
		}
	}
	list := func(dir string) func() error {
		return func() error { _, err := os.ReadDir(dir); return err }
	}
	dial := func(address string) func() error {
		return func() error {
			conn, err := net.DialTimeout("tcp", address, time.Minute)
			if err == nil {
				_ = conn.Close()
			}
			return err
		}
	}
	proc := filepath.Join("/proc", strconv.Itoa(v.PID))
	_, port, _ := net.SplitHostPort(v.Address)
	return map[string]func() error{
		"connect":                    dial(v.Address),
		"connect to every address":   dial("0.0.0.0:" + port),
		"connect by an IPv6 address": dial("[::ffff:127.0.0.1]:" + port),
		"connect from its own port": func() error {
			conn, err := net.DialTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 0}, must(net.ResolveTCPAddr("tcp", v.Address)))
			if err == nil {
				_ = conn.Close()
			}
			return err
		},
		"variables":                     read(proc, "environ"),
		"memory":                        func() error { _, err := os.Open(filepath.Join(proc, "mem")); return err },
		"open files":                    list(filepath.Join(proc, "fd")),
		"output by its descriptor":      read(proc, "fd", "1"),
		"code by the working directory": read(proc, "cwd", "app.py"),
		"data by the root":              read(proc, "root", v.Data, "kept"),
		"trace": func() error {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if err := syscall.PtraceAttach(v.PID); err != nil {
				return err
			}
			_, _ = syscall.Wait4(v.PID, nil, 0, nil)
			return syscall.PtraceDetach(v.PID)
		},
		"memory by a system call": func() error {
			buffer := make([]byte, 8)
			_, err := unix.ProcessVMReadv(v.PID, []unix.Iovec{{Base: &buffer[0], Len: 8}}, []unix.RemoteIovec{{Base: 0x400000, Len: 8}}, 0)
			return err
		},
		"signal":         func() error { return syscall.Kill(v.PID, syscall.SIGCONT) },
		"data":           read(v.Data, "kept"),
		"list the data":  list(v.Data),
		"write the data": func() error { return os.WriteFile(filepath.Join(v.Data, "new"), nil, 0o600) },
		"link the data": func() error {
			link := filepath.Join(os.Getenv("TMPDIR"), "kept")
			return errors.Join(os.Link(filepath.Join(v.Data, "kept"), link), os.Remove(link))
		},
		"code": read(v.Dir, "app.py"),
		"change the code": func() error {
			f, err := os.OpenFile(filepath.Join(v.Dir, "app.py"), os.O_WRONLY, 0)
			return errors.Join(err, f.Close())
		},
		"home":                 list(filepath.Join(v.Home, "home")),
		"temporary files":      list(filepath.Join(v.Home, "tmp")),
		"run":                  list(filepath.Join(v.Home, "run")),
		"record":               read(v.Home, recordName),
		"output":               read(v.Output),
		"platform's file":      read(v.Top, "platform.db"),
		"list the platform":    list(v.Top),
		"list the apps":        list(filepath.Dir(v.Dir)),
		"platform's variables": read("/proc", strconv.Itoa(v.Platform), "environ"),
		"signal the platform":  func() error { return syscall.Kill(v.Platform, 0) },
		"become root":          func() error { _, _, errno := syscall.RawSyscall(syscall.SYS_SETUID, 0, 0, 0); return asError(errno) },
		"become the other app": func() error {
			info, err := os.Stat(proc)
			if err != nil {
				return err
			}
			uid := info.Sys().(*syscall.Stat_t).Uid
			_, _, errno := syscall.RawSyscall(syscall.SYS_SETREUID, uintptr(uid), ^uintptr(0), 0)
			return asError(errno)
		},
		"enter the other's control group": func() error { return writeTo(v.Group, "cgroup.procs", strconv.Itoa(os.Getpid())) },
		"raise its own limit":             func() error { return writeTo(v.OwnGroup, "pids.max", "max") },
		"change the firewall": func() error {
			c, err := nftables.New()
			if err != nil {
				return err
			}
			table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "intruder-" + newRun()})
			if err := c.Flush(); err != nil {
				return err
			}
			c.DelTable(table)
			return c.Flush()
		},
	}
}

func asError(errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

// intrude is an app that tries to reach the one that it is told of, and answers with what succeeded.
func intrude() {
	listen(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return
		}
		var v victim
		if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var done []string
		for name, try := range intrusions(v) {
			if try() == nil {
				done = append(done, name)
			}
		}
		slices.Sort(done)
		_ = json.NewEncoder(w).Encode(done)
	})
}

// An app with a user of its own reaches nothing of another one or of the platform, in more than twenty ways.
func TestIntruder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("apps get users of their own only if the platform runs as root")
	}
	top := t.TempDir()
	// The testing package keeps the folder around it private.
	if err := errors.Join(os.Chmod(filepath.Dir(top), 0o711), os.Chmod(top, 0o700)); err != nil { //nolint:gosec // apps pass through it
		t.Fatal(err)
	}
	program := filepath.Join(top, "program")
	copyFile(t, os.Args[0], program)
	if err := os.WriteFile(filepath.Join(top, "platform.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	isolation := NewIsolation("test-"+newRun(), top)
	t.Cleanup(isolation.Close)
	for _, m := range isolation.Level() {
		if !m.InForce {
			t.Skipf("not in force here: %+v", m)
		}
	}
	app := func(name, mode string, isolation *Isolation) (InstanceSpec, *Instance) {
		s := instanceSpec(t, mode)
		at := func(names ...string) string { return filepath.Join(append([]string{top}, names...)...) }
		s.Dir, s.Home, s.Data, s.Output = at("apps", name), at("run", name), at("data", name), at("logs", name)
		for _, dir := range []string{s.Dir, s.Data} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for _, file := range []string{filepath.Join(s.Dir, "app.py"), filepath.Join(s.Data, "kept")} {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.Environment.Program, s.Isolation = program, isolation
		s.Limits.Processes = 1000
		return s, launched(t, s)
	}
	s, other := app("other", "serve", isolation)
	v := victim{
		Address: other.URL().Host, PID: other.record.PID, Platform: os.Getpid(), Top: top, Dir: s.Dir, Home: s.Home, Data: s.Data,
		Output: s.Output, Group: other.record.Group[0],
	}
	try := func(intruder *Instance) (succeeded []string) {
		v.OwnGroup = v.Group
		for _, dir := range intruder.record.Group {
			if _, err := os.Stat(filepath.Join(dir, "pids.max")); err == nil {
				v.OwnGroup = dir
			}
		}
		body, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(intruder.URL().String(), "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&succeeded); err != nil {
			t.Fatal(err)
		}
		return succeeded
	}
	_, intruder := app("intruder", "intruder", isolation)
	if done := try(intruder); len(done) > 0 {
		t.Errorf("an app with a user of its own succeeds with %q", done)
	}
	if !answers(t, other) {
		t.Error("the other app does not answer the platform any more")
	}
	// Without that, nearly everything succeeds: the attempts are real.
	_, root := app("root", "intruder", nil)
	if all, done := len(intrusions(v)), try(root); all < 20 || len(done) < all-2 {
		t.Errorf("without isolation only %d of %d attempts succeed: %q", len(done), all, done)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
