package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// options say what is measured, and how long.
type options struct {
	program string // ours, or one that serves the same and can be profiled
	node    string // folder in which the files of the folder node are installed
	rounds  int    // 0 means usualRounds, or 2 of a quick run
	quick   bool   // short slices, for work on the proxy
}

// usualRounds are enough for figures that swing by a third from one slice to the next.
const usualRounds = 7

// bench is one run.
type bench struct {
	program  string   // ours
	node     string   // folder
	dir      string   // for files and logs of the contestants
	oursEnv  []string // variables that our program gets besides
	who      account
	proc     procfs
	rounds   int
	slice    time.Duration // of a load
	paced    time.Duration // of the latency's
	progress io.Writer
}

// compare measures and writes the tables to out. It pins this very process to the core of the load.
func compare(ctx context.Context, out, progress io.Writer, o options) error {
	return run(ctx, progress, o, func(b *bench) error {
		r, err := b.all(ctx)
		if err == nil {
			r.write(out)
		}
		return err
	})
}

// run prepares a bench and calls do.
func run(ctx context.Context, progress io.Writer, o options, do func(*bench) error) error {
	b := &bench{program: o.program, node: o.node, proc: procfs{os.DirFS("/proc")}, progress: progress,
		rounds: usualRounds, slice: 2 * time.Second, paced: 3 * time.Second, who: account{"ann", rand.Text()}}
	if o.quick {
		b.rounds, b.slice, b.paced = 2, time.Second, 2*time.Second
	}
	if o.rounds > 0 {
		b.rounds = o.rounds
	}
	if runtime.GOOS != "linux" || runtime.NumCPU() < 2 {
		return errors.New("proxies are measured on Linux with two cores or more")
	}
	if err := pinSelf(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "proxybench-")
	if err != nil {
		return err
	}
	b.dir = dir
	return errors.Join(do(b), os.RemoveAll(dir))
}

// pinSelf keeps this process, which makes load itself, and what it starts away from the proxy's core.
func pinSelf(ctx context.Context) error {
	said, err := exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", strconv.Itoa(loadCore), strconv.Itoa(os.Getpid())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("taskset: %w\n%s", err, said)
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// all measures memory first, while nothing else runs, then what needs a file server, then WebSockets.
func (b *bench) all(ctx context.Context) (_ *report, err error) {
	r := &report{rounds: b.rounds, slice: b.slice}
	app, err := startEcho()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, app.close()) }()
	r.memory, err = b.footprints(ctx, app, []resident{
		{oursSession, b.startOurs, true},
		{nginxPlain, b.startNginx(nginxPlain), true},
		{caddyBasic, b.startCaddy, true},
		{nodeOIDC, b.startNode, false},
	})
	if err != nil {
		return nil, err
	}
	if err := b.requests(ctx, r); err != nil {
		return nil, err
	}
	return r, b.sockets(ctx, app, r)
}

func (b *bench) requests(ctx context.Context, r *report) (err error) {
	files, err := b.startFiles(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.stop()) }()
	doors, stop, err := startAll(ctx, files.doors[0].address,
		b.startOurs, b.startNginx(nginxPlain, nginxSHA, nginxAPR1, nginxBcrypt), b.startCaddy, b.startNode)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	for _, l := range []struct {
		into        *outcomes
		path        string
		size, conns int
		doors       []string
	}{
		{&r.few, smallPath, smallSize, 32, []string{oursSession, oursPasswords, nginxPlain, nginxSHA, nginxAPR1, nginxBcrypt, caddyBasic, nodeOIDC}},
		{&r.many, smallPath, smallSize, 256, []string{oursSession, oursPasswords, nginxPlain, nginxSHA, nginxAPR1, caddyBasic, nodeOIDC}},
		{&r.large, largePath, largeSize, 32, []string{oursSession, nginxPlain, nginxSHA, caddyBasic, nodeOIDC}},
	} {
		run := func(ctx context.Context, d door, slice time.Duration) (tally, error) {
			return wrk(ctx, d, l.path, l.conns, slice)
		}
		name := fmt.Sprintf("%d KB over %d connections", l.size>>10, l.conns)
		if *l.into, err = b.measure(ctx, load{name, run, l.path, l.size}, named(doors, l.doors...)); err != nil {
			return err
		}
	}
	calm := append(files.doors, named(doors, oursSession, nginxPlain, nginxSHA, caddyBasic, nodeOIDC)...)
	r.delays, err = b.latency(ctx, calm)
	return err
}

func (b *bench) sockets(ctx context.Context, app *echo, r *report) (err error) {
	doors, stop, err := startAll(ctx, app.address, b.startOurs, b.startNginx(nginxPlain), b.startCaddy)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("messages of %d B over %d WebSockets", echoSize, echoSockets)
	r.echo, err = b.measure(ctx, load{name, echoLoad, smallPath, smallSize}, named(doors, oursSession, nginxPlain, caddyBasic))
	return err
}

// startAll starts proxies in front of one app. stop ends those that run, also after an error.
func startAll(ctx context.Context, app string, starters ...starter) (doors []door, stop func() error, err error) {
	var running []*proxy
	stop = func() error {
		var errs []error
		for _, p := range running {
			errs = append(errs, p.stop())
		}
		return errors.Join(errs...)
	}
	for _, start := range starters {
		p, err := start(ctx, app)
		if err != nil {
			return nil, stop, err
		}
		running, doors = append(running, p), append(doors, p.doors...)
	}
	return doors, stop, nil
}

// named picks doors in the order of the names.
func named(doors []door, names ...string) []door {
	var picked []door
	for _, name := range names {
		for _, d := range doors {
			if d.name == name {
				picked = append(picked, d)
			}
		}
	}
	return picked
}
