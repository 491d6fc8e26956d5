package localcloud

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
)

// pidFile names the process that holds the lock of the data folder.
func (f folder) pidFile() string { return f.join("platform.pid") }

func (f folder) writePid() error {
	return fsx.Replace(fsx.File{Path: f.pidFile(), Data: []byte(strconv.Itoa(os.Getpid()) + "\n"), Mode: fsx.Private})
}

// Stop ends the platform that serves a data folder, and returns once it has ended. It returns false if none is running.
func Stop(ctx context.Context, data string) (bool, error) {
	f, err := existing(data)
	if err != nil {
		return false, err
	}
	if lock, err := f.lock(); err == nil {
		return false, lock.Unlock()
	}
	text, err := os.ReadFile(f.pidFile())
	if err != nil {
		return false, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.pidFile(), err)
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Signal(syscall.SIGTERM)
	}
	if err != nil {
		return false, &platform.Problem{Msg: "the platform cannot be stopped", Err: err, Hint: fmt.Sprintf("end the process %d", pid)}
	}
	return true, f.awaitEnd(ctx)
}

// stopLimit is how long a platform may take to end.
const stopLimit = 30 * time.Second

// awaitEnd waits until no platform uses f.
func (f folder) awaitEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		if lock, err := f.lock(); err == nil {
			return lock.Unlock()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the platform has not stopped: %w", ctx.Err())
		}
	}
}

// StopApps ends all apps that run from a data folder on which no platform is running, and returns how many did. At the next
// start of the platform they sleep.
func StopApps(data string) (int, error) {
	f, err := existing(data)
	if err != nil {
		return 0, err
	}
	lock, err := f.lock()
	if err != nil {
		return 0, err
	}
	defer func() { _ = lock.Unlock() }()
	entries, err := os.ReadDir(f.join("apps"))
	if err != nil {
		return 0, err
	}
	n := 0
	var ending sync.WaitGroup
	for _, e := range entries {
		if instance, err := supervise.Adopt(f.run(platform.Deployment{ID: e.Name()})); err == nil {
			n++
			ending.Go(func() { instance.Stop(stopGrace) })
		}
	}
	ending.Wait()
	f.isolation().Close()
	return n, nil
}

// stopGrace is how long an app may take to end by itself.
const stopGrace = 5 * time.Second
