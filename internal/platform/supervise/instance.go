package supervise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	launchGrace = 3 * time.Second // time between the request to stop and a kill for an app that did not get ready
	killLimit   = 3 * time.Second // after which a killed process is not waited for: the kernel does not release it
)

// Instance is one run of an app with everything it started. It outlives this process: the next one finds it with Adopt.
// It is not restarted when it ends. Its methods are safe for concurrent use.
type Instance struct {
	home   string
	record record
	spec   Spec      // for diagnoses
	child  *exec.Cmd // nil if another process started it

	confined confinement
	followed bool // the leader has run since we know it, so that its group is the app's even after its end

	mu       sync.Mutex // held while processes are frozen or thawed
	stopping bool
	force    chan struct{} // closed when the time to stop is over
	forced   sync.Once
	quit     chan struct{} // closed by Release
	released sync.Once
	gone     sync.WaitGroup

	done    chan struct{}
	problem *platform.Problem // valid once done is closed; nil after Stop
}

// Launch starts an app in a session of its own and returns once it responds. What an earlier run in Home has left is
// ended first. The error is a *platform.Problem if the app is at fault, ctx.Err() if ctx ended first; then nothing of it
// is left. Afterwards ctx has no influence.
func Launch(ctx context.Context, s InstanceSpec) (*Instance, error) {
	if _, err := platform.Entry(s.Dir, s.Recipe); err != nil {
		return nil, entryMissing(s, err)
	}
	if err := s.makeFolders(); err != nil {
		return nil, fmt.Errorf("create the app's folders: %w", err)
	}
	run := newRun()
	l, err := newLaunch(s.spec(), run, s.root())
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		i, err := s.launch(ctx, l, run)
		if err == nil {
			return i, nil
		}
		if attempt == portAttempts || !errors.Is(err, errPortLost) {
			return nil, err
		}
	}
}

// errPortLost says that another program took the app's port between its choice and its use.
var errPortLost = errors.New("another program took the app's port")

// launch starts the app once. After an error nothing of it is left; it wraps errPortLost if another port may help.
func (s InstanceSpec) launch(ctx context.Context, l *launch, run string) (*Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.makeRoot(); err != nil {
		return nil, fmt.Errorf("create the app's folders: %w", err)
	}
	port, err := l.spec.freePort()
	if err != nil {
		return nil, err
	}
	if s.OnPort != nil {
		s.OnPort(port)
	}
	c, err := l.command(port)
	if err != nil {
		return nil, err
	}
	i := newInstance(s.Home, record{
		Mark: run, Boot: bootID(), Port: port, Dir: s.Dir, Command: s.Recipe.Command, Output: s.Output,
		Cleanup: c.Cleanup, Environ: inherited(s.Environ, s.Recipe.Runtime),
	})
	i.spec = l.spec
	confined, err := s.confine(run, c, port)
	if err != nil {
		return nil, err
	}
	i.confined, i.record.Group, i.record.Memory = confined, confined.group, s.Limits.Memory
	if err := i.start(c); err != nil {
		confined.release()
		return nil, err
	}
	status, err := awaitReady(ctx, l.spec, i, port)
	if err == nil && !i.owns(port) {
		err = errPortLost
	}
	var exit *platform.ExitError
	if errors.As(err, &exit) && portTaken(port) {
		err = fmt.Errorf("%w: %w", errPortLost, err)
	}
	if err == nil {
		i.record.Base, i.record.Ready = basePath(s.Recipe, l.root), true
		err = i.record.write(s.Home)
	}
	if err != nil {
		i.Stop(launchGrace)
		return nil, err
	}
	confined.group.limitCPU(s.Limits.CPU)
	i.warn(ctx, status)
	return i, nil
}

// warn reports what is wrong with an app that responds.
func (i *Instance) warn(ctx context.Context, status int) {
	if i.spec.Notify == nil {
		return
	}
	if message := firstAnswer(status, firstCause(ctx, i, i.spec, status)); message != "" {
		i.spec.Notify(platform.Event{Phase: platform.Noticed, Message: message, Warning: true})
	}
	if address := reachable(i.record.Port); address != "" && i.confined.port == 0 {
		i.spec.Notify(platform.Event{Phase: platform.Noticed, Warning: true, Message: fmt.Sprintf(openToAll, address)})
	}
}

func newInstance(home string, r record) *Instance {
	return &Instance{home: home, record: r, force: make(chan struct{}), quit: make(chan struct{}), done: make(chan struct{})}
}

// Adopt finds the instance that was launched in home by an earlier run of the platform. The error wraps fs.ErrNotExist if
// it does not run any more or had not responded yet; then nothing of it is left.
func Adopt(home string) (*Instance, error) {
	r, err := readRecord(home)
	if err != nil {
		return nil, err
	}
	i := newInstance(home, r)
	i.confined.group = r.Group
	i.spec = Spec{Dir: r.Dir, Recipe: platform.Recipe{Command: r.Command}, deployed: true}
	leader, found := rowOf(r.PID)
	alive := found && leader.started == r.Started && !leader.dead
	if r.Boot == bootID() && alive && r.Ready {
		i.followed = true
		i.gone.Add(1)
		go i.watch()
		return i, nil
	}
	if r.Boot == bootID() {
		i.endRemains()
	}
	i.confined.release()
	i.cleanup()
	if err := os.Remove(filepath.Join(home, recordName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return nil, fmt.Errorf("the app in %s does not run: %w", home, fs.ErrNotExist)
}

// start starts the process. The record is there before it, so that it is found whenever the platform is killed.
func (i *Instance) start(c platform.Command) error {
	output, err := os.OpenFile(i.record.Output, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer output.Close() // the child has its own copy
	if info, err := output.Stat(); err == nil {
		i.record.From = info.Size()
	}
	if user := i.confined.user; user != 0 { // some programs open their output by name
		if err := output.Chown(user, user); err != nil {
			return err
		}
	}
	if err := i.record.write(i.home); err != nil {
		return err
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, append(platform.Without(c.Env, markName), i.mark())
	cmd.Stdout, cmd.Stderr = output, output
	if err := startDetached(cmd, i.confined); err != nil {
		_ = os.Remove(filepath.Join(i.home, recordName))
		return fmt.Errorf("start %s: %w", c.Path, err)
	}
	i.child, i.record.PID, i.followed = cmd, cmd.Process.Pid, true
	if r, ok := rowOf(cmd.Process.Pid); ok {
		i.record.Started = r.started
	}
	i.gone.Add(1)
	go i.watch()
	if err := i.record.write(i.home); err != nil {
		i.Stop(0)
		return err
	}
	return nil
}

func (i *Instance) mark() string { return markName + "=" + i.record.Mark }

// members returns the processes of the instance.
func (i *Instance) members() []row {
	if i.isDone() {
		return nil // its numbers may be those of other processes by now
	}
	rows, mark := table(), i.mark()
	leader := i.record.PID
	at := slices.IndexFunc(rows, func(r row) bool { return r.pid == leader })
	if at < 0 && !i.followed || at >= 0 && rows[at].started != i.record.Started {
		leader = 0
	}
	inside := i.record.Group.processes()
	delete(inside, os.Getpid()) // a thread of ours is in there while it starts the app
	return family(rows, leader, func(pid int) bool { return inside[pid] || hasMark(pid, mark) })
}

func (i *Instance) isDone() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

// Release lets go of the instance without ending it, which another Instance may then adopt. Done stays open, Stop does
// nothing, and the other methods must not be called any more.
func (i *Instance) Release() {
	i.released.Do(func() { close(i.quit) })
	i.gone.Wait()
}

// URL is the app's address on the loopback interface.
func (i *Instance) URL() *url.URL { return upstream(i.record.Port) }

// Base is the path below which the app is served, with a slash at both ends; "" for the root of URL.
func (i *Instance) Base() string { return i.record.Base }

// Done is closed when nothing of the app is left: after Stop, or when it ended by itself.
func (i *Instance) Done() <-chan struct{} { return i.done }

// Err returns why the app ended, once Done is closed: nil after Stop, otherwise a *platform.Problem.
func (i *Instance) Err() error {
	if i.isDone() && i.problem != nil {
		return i.problem
	}
	return nil
}

func (i *Instance) ended() <-chan struct{}     { return i.done }
func (i *Instance) why(Spec) *platform.Problem { return i.problem }
func (i *Instance) lastLines(n int) []string   { return lastLines(i.record.Output, i.record.From, n) }
func (i *Instance) listens() []int             { return portsOf(pids(i.members())) }

// owns reports whether port is the app's, as far as the system tells: another program may have taken it, and responded.
func (i *Instance) owns(port int) bool {
	if len(i.record.Cleanup) > 0 { // a container's port is its runtime's
		return true
	}
	members := i.members()
	ports := portsOf(pids(members))
	return len(members) > 0 && (ports == nil || slices.Contains(ports, port))
}

func pids(rows []row) []int {
	found := make([]int, 0, len(rows))
	for _, r := range rows {
		found = append(found, r.pid)
	}
	return found
}
