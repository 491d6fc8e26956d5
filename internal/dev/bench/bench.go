// Package bench measures the program beside the Python tool, both in one run and taking turns, so that what
// else the machine does meets both alike. It knows the command lines of both and the platform's requests, and
// must not know how our program does its work.
package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Programs are the contestants, as paths of files to run.
type Programs struct {
	Peer string // the Python tool
	Ours string // built as it is released
	Bare string // a cobra program without any work, for start-up

	BareLinked  string // the same with the libraries of our command line, uncalled
	BareDynamic string // the same as the go command makes it where there is a C compiler
}

// A sample is what one run of a program cost.
type sample struct {
	wall, cpu time.Duration // cpu: user and system time of the process
	peak      int64         // resident memory in bytes at its highest; 0 where the system does not tell
}

// measure runs the program once in dir and returns what it cost. Its output is dropped unless it fails.
func measure(ctx context.Context, dir string, env []string, name string, args ...string) (sample, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, env
	said, err := os.CreateTemp("", "bench-output-") // a file, not a pipe: no goroutine of our own is in the way
	if err != nil {
		return sample{}, err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	c.Stdout, c.Stderr = said, said
	start := time.Now()
	err = c.Run()
	wall := time.Since(start)
	if err != nil {
		text, _ := os.ReadFile(said.Name()) // what is there to show, if anything
		return sample{}, fmt.Errorf("%s %v: %w\n%s", name, args, err, text)
	}
	return sample{wall, c.ProcessState.UserTime() + c.ProcessState.SystemTime(), peakMemory(c.ProcessState)}, nil
}

// environment is what both programs run with: a home of their own, a key for the local sink, no telemetry
// and no look for updates.
func environment(home, api string) []string {
	return []string{
		"HOME=" + home, "USERPROFILE=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(),
		"SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), // Windows programs do not start without it
		"LANG=C.UTF-8", "NO_COLOR=1", "CI=true",
		"PLOOMBER_STATS_ENABLED=false", "PLOOMBER_VERSION_CHECK_DISABLED=true",
		"PLOOMBER_CLOUD_KEY=bench-key", "_PLOOMBER_CLOUD_ENV=local", "PLOOMBER_CLOUD_API_URL=" + api,
	}
}
