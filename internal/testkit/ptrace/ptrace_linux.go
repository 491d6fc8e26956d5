package ptrace

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Command is what is run.
type Command struct {
	Path  string
	Args  []string // without the program's name
	Env   []string
	Dir   string
	Stdin string // path of a file
	Out   string // path of a file that gets both outputs
}

// A Stop is a moment at which the program can be killed: before a system call, or after it.
type Stop struct {
	Call    uint64 // number of the system call
	After   bool
	Changes bool // the call may change a file
}

// An Outcome is how a run ended.
type Outcome struct {
	Killed bool // by Run
	Exit   int  // where it was not killed
	Stops  []Stop
}

// Run runs c and kills it, with all its threads, at its stop number at, counted from 1; 0 lets it end. System
// calls that only manage memory, threads and time are not stops. Processes that the program starts are not followed.
func Run(c Command, at int) (Outcome, error) {
	type result struct {
		outcome Outcome
		err     error
	}
	done := make(chan result)
	go func() {
		// The kernel knows the tracing thread, not the process. It is never given back: it ends with the goroutine.
		runtime.LockOSThread()
		o, err := run(c, at)
		done <- result{o, err}
	}()
	r := <-done
	return r.outcome, r.err
}

// waitFlags wait for threads too, and only for what this thread has started. As it may have started other
// children of the test before, the program has a process group of its own.
const waitFlags = unix.WALL | unix.WNOTHREAD

func run(c Command, at int) (Outcome, error) {
	pid, err := start(c)
	if err != nil {
		return Outcome{}, err
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, waitFlags, nil); err != nil {
		return Outcome{}, fmt.Errorf("wait for the start: %w", err)
	}
	const options = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(pid, options); err != nil {
		return Outcome{}, fmt.Errorf("trace: %w", err)
	}
	t := tracer{pid: pid, at: at, inside: map[int]*Stop{}}
	return t.follow(pid)
}

func start(c Command) (pid int, err error) {
	in, err := os.Open(c.Stdin)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }() // the program has its own
	out, err := os.Create(c.Out)
	if err != nil {
		return 0, err
	}
	defer func() { _ = out.Close() }() // the program has its own
	return syscall.ForkExec(c.Path, append([]string{c.Path}, c.Args...), &syscall.ProcAttr{
		Dir: c.Dir, Env: c.Env, Files: []uintptr{in.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
}

type tracer struct {
	pid, at int
	outcome Outcome
	inside  map[int]*Stop // by thread: the call that it is in
}

func (t *tracer) follow(first int) (Outcome, error) {
	_ = unix.PtraceSyscall(first, 0) // a program that is gone is seen by the wait
	for {
		var status unix.WaitStatus
		id, err := unix.Wait4(-t.pid, &status, waitFlags, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return t.outcome, nil
		case err != nil:
			return t.outcome, fmt.Errorf("wait: %w", err)
		}
		if !status.Stopped() {
			if id == t.pid && status.Exited() {
				t.outcome.Exit = status.ExitStatus()
			}
			continue
		}
		signal := 0
		switch stop := status.StopSignal(); stop {
		case unix.SIGTRAP | 0x80:
			t.stop(id)
		case unix.SIGTRAP, unix.SIGSTOP: // a new thread
		default:
			signal = int(stop)
		}
		_ = unix.PtraceSyscall(id, signal) // a thread that is gone is seen by the wait
	}
}

// stop counts the stop of a thread at a system call and kills the program where it is the one.
func (t *tracer) stop(id int) {
	info, err := syscallInfo(id)
	if err != nil {
		return // the thread is gone
	}
	var s Stop
	switch info.op {
	case opEntry:
		if noise(info.call) {
			return
		}
		s = Stop{Call: info.call, Changes: changes(info)}
		t.inside[id] = &s
	case opExit:
		entry := t.inside[id]
		if entry == nil {
			return
		}
		delete(t.inside, id)
		s = *entry
		s.After = true
	default:
		return
	}
	t.outcome.Stops = append(t.outcome.Stops, s)
	if len(t.outcome.Stops) == t.at {
		t.outcome.Killed = true
		_ = unix.Kill(t.pid, unix.SIGKILL) // it cannot be gone: it is stopped here
	}
}

// info is the beginning of struct ptrace_syscall_info (ptrace(2)).
type info struct {
	op   uint8
	_    [3]uint8
	_    uint32 // architecture
	_, _ uint64 // instruction and stack pointer
	call uint64
	args [6]uint64
}

const (
	opEntry = 1
	opExit  = 2
)

func syscallInfo(id int) (info, error) {
	const getSyscallInfo = 0x420e // PTRACE_GET_SYSCALL_INFO, since Linux 5.3
	var i info
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(id), unsafe.Sizeof(i), uintptr(unsafe.Pointer(&i)), 0, 0)
	if errno != 0 {
		return i, errno
	}
	return i, nil
}

// noise tells calls that say nothing about how far the program is, and whose number differs from run to run.
func noise(call uint64) bool {
	switch call {
	case unix.SYS_FUTEX, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CTL,
		unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
		unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_MADVISE, unix.SYS_MMAP, unix.SYS_MUNMAP,
		unix.SYS_MPROTECT, unix.SYS_MINCORE, unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_TGKILL, unix.SYS_CLONE,
		unix.SYS_CLONE3, unix.SYS_PRLIMIT64, unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_PRCTL, unix.SYS_FCNTL,
		unix.SYS_GETRANDOM, unix.SYS_BRK:
		return true
	}
	return false
}

// changes reports whether a call may change a file.
func changes(i info) bool {
	switch i.call {
	case unix.SYS_OPENAT:
		return i.args[2]&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0
	case unix.SYS_WRITE, unix.SYS_PWRITE64, unix.SYS_WRITEV:
		return i.args[0] > 2
	case unix.SYS_LINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_SYMLINKAT,
		unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FTRUNCATE, unix.SYS_UTIMENSAT,
		unix.SYS_COPY_FILE_RANGE, unix.SYS_SENDFILE:
		return true
	}
	return legacyChange(i.call)
}
