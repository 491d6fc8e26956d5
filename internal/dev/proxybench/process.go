package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Cores: whatever makes load shares one, the proxy under load has the other for itself.
const (
	loadCore  = 0
	proxyCore = 1
)

// A process is a program that runs until it is stopped, pinned to one core.
type process struct {
	*os.Process
	name  string
	log   string // path of its output
	ended chan struct{}
	err   error // of its end; read after ended
}

// launch starts a program in a folder.
func (b *bench) launch(core int, dir string, env []string, name string, args ...string) (*process, error) {
	log, err := os.CreateTemp(b.dir, filepath.Base(name)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c := exec.Command("taskset", append([]string{"-c", strconv.Itoa(core), name}, args...)...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{Process: c.Process, name: name, log: log.Name(), ended: make(chan struct{})}
	go func() { p.err = c.Wait(); close(p.ended) }()
	return p, nil
}

// patience is how long a program may take to listen, and to end.
const patience = 20 * time.Second

// await returns once something listens at the address.
func (p *process) await(ctx context.Context, address string) error {
	deadline := time.Now().Add(patience)
	for {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return p.failed("has ended", p.err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return p.failed("does not listen", err)
		}
	}
}

// failed adds the end of what the program wrote.
func (p *process) failed(what string, err error) error {
	said, _ := os.ReadFile(p.log) // what is there to show, if anything
	const most = 2000
	return fmt.Errorf("%s %s: %w\n%s", p.name, what, err, bytes.TrimSpace(said[max(0, len(said)-most):]))
}

// stop ends the program: politely at first.
func (p *process) stop() error {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		if err := p.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("end %s: %w", p.name, err)
		}
		select {
		case <-p.ended:
			return nil
		case <-time.After(patience / 4):
		}
	}
	return fmt.Errorf("%s does not end", p.name)
}

// freeAddress returns an address on this machine at which nobody listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// portOf returns the port of an address that freeAddress returned.
func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}
