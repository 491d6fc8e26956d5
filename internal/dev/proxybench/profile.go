package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// profile shows where our proxy spends its processor time while it answers requests of 1 KB: the parts of a
// profile, and the system calls of a request. The program writes a profile to the file that CPU_PROFILE names.
func profile(ctx context.Context, out, progress io.Writer, o options) error {
	return run(ctx, progress, o, func(b *bench) error { return b.profile(ctx, out) })
}

func (b *bench) profile(ctx context.Context, out io.Writer) (err error) {
	const conns, profiled, traced = 32, 10 * time.Second, 2 * time.Second
	file := filepath.Join(b.dir, "cpu.prof")
	b.oursEnv = []string{"CPU_PROFILE=" + file}
	app, err := b.startFiles(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.stop()) }()
	ours, err := b.startOurs(ctx, app.doors[0].address)
	if err != nil {
		return err
	}
	running := true
	defer func() {
		if running {
			err = errors.Join(err, ours.stop())
		}
	}()
	b.say("a profile of %s, then %s under strace", profiled, traced)
	if _, err := wrk(ctx, ours.doors[0], smallPath, conns, profiled); err != nil {
		return err
	}
	calls, err := b.trace(ctx, ours, func() (tally, error) { return wrk(ctx, ours.doors[0], smallPath, conns, traced) })
	if err != nil {
		return err
	}
	running = false
	if err := ours.stop(); err != nil { // it writes the profile now
		return err
	}
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", b.program, file).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w", err)
	}
	shares, err := parseTraces(string(text))
	if err != nil {
		return err
	}
	fmt.Fprint(out, "| part | share of the processor time |\n| --- | --- |\n")
	for _, s := range shares {
		fmt.Fprintf(out, "| %s | %.0f %% |\n", s.name, s.value*100)
	}
	fmt.Fprint(out, "\n| system call | in a request |\n| --- | --- |\n")
	for _, c := range calls {
		fmt.Fprintf(out, "| `%s` | %.2f |\n", c.name, c.value)
	}
	return nil
}

// A portion is a named part of a whole, or so much of it for each request.
type portion struct {
	name  string
	value float64
}

// largest sorts by value and drops what is smaller than least.
func largest(values map[string]float64, least float64) []portion {
	var list []portion
	for name, value := range values {
		if value >= least {
			list = append(list, portion{name, value})
		}
	}
	slices.SortFunc(list, func(a, b portion) int {
		return cmp.Or(cmp.Compare(b.value, a.value), strings.Compare(a.name, b.name))
	})
	return list
}

// trace counts the system calls of a process under a load.
func (b *bench) trace(ctx context.Context, p *proxy, load func() (tally, error)) ([]portion, error) {
	file := filepath.Join(b.dir, "strace")
	strace := exec.CommandContext(ctx, "strace", "-f", "-c", "-o", file, "-p", strconv.Itoa(p.Pid))
	if err := strace.Start(); err != nil {
		return nil, fmt.Errorf("strace: %w", err)
	}
	time.Sleep(time.Second) // until it has taken hold of every thread
	t, err := load()
	err = errors.Join(err, strace.Process.Signal(os.Interrupt))
	_ = strace.Wait() // it ends by the signal
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	calls, err := parseStrace(string(text))
	for name := range calls {
		calls[name] /= t.done
	}
	return largest(calls, 0.1), err
}

// parseStrace reads the counts of strace -c: share, seconds, microseconds a call, calls, maybe errors, name.
func parseStrace(text string) (map[string]float64, error) {
	calls := map[string]float64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 5 || len(fields) > 6 || fields[len(fields)-1] == "total" {
			continue
		}
		if n, err := strconv.ParseFloat(fields[3], 64); err == nil {
			calls[fields[len(fields)-1]] = n
		}
	}
	if len(calls) == 0 {
		return nil, fmt.Errorf("strace counts nothing: %q", text)
	}
	return calls, nil
}

// parseTraces reads what go tool pprof -traces prints, stacks with the innermost function first and how long each
// was seen, and returns the share of each part.
func parseTraces(text string) ([]portion, error) {
	var (
		total  time.Duration
		shares = map[string]float64{}
	)
	for block := range strings.SplitSeq(text, "-----------+") {
		_, block, _ = strings.Cut(block, "\n") // the rest of the line
		var stack []string
		for line := range strings.Lines(block) {
			if line = strings.TrimSpace(line); line != "" {
				stack = append(stack, line)
			}
		}
		if len(stack) == 0 {
			continue
		}
		value, leaf, _ := strings.Cut(stack[0], " ")
		took, err := time.ParseDuration(value)
		if err != nil {
			continue // the head of the output
		}
		stack[0] = strings.TrimSpace(leaf)
		part := partOf(stack)
		if part == "" {
			continue
		}
		shares[part] += took.Seconds()
		total += took
	}
	if total == 0 {
		return nil, errors.New("the profile is empty")
	}
	for name := range shares {
		shares[name] /= total.Seconds()
	}
	return largest(shares, 0.005), nil
}

// partOf says what a stack, innermost function first, belongs to: the kernel and the memory first, else the
// innermost package that is more than a tool of others. It is "" for what is done once, at the start.
func partOf(stack []string) string {
	within := func(names ...string) bool {
		return slices.ContainsFunc(stack, func(f string) bool {
			return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(f, name) })
		})
	}
	const ours = "github.com/ploomber/ploomber-cloud/pkg/authproxy"
	if strings.Contains(stack[0], "yscall6") {
		switch {
		case within("syscall.write", "syscall.Write", ours+"/nowait.Write"):
			return "kernel: writes"
		case within("syscall.read", "syscall.Read", ours+"/nowait.Read"):
			return "kernel: reads"
		case within(ours + "/nowait.Peek"):
			return "kernel: looks at idle connections"
		default:
			return "kernel: everything else, such as waiting"
		}
	}
	if within("runtime.mallocgc", "runtime.gcBgMarkWorker", "runtime.gcAssist", "runtime.bgsweep", "runtime.bgscavenge") {
		return "memory: allocation and collection"
	}
	for _, f := range stack {
		switch {
		case strings.HasPrefix(f, ours+"/upstream."):
			return "the way to the app and back (`upstream`)"
		case strings.HasPrefix(f, "golang.org/x/crypto/bcrypt."):
			return ""
		case strings.HasPrefix(f, ours+"/server."):
			return "the client's side (`net/http`)"
		case strings.HasPrefix(f, ours):
			return "who asks and whether they may (`authproxy`)"
		case strings.HasPrefix(f, "net/http."):
			return "the client's side (`net/http`)"
		}
	}
	return "Go's scheduler, timers and poller"
}
