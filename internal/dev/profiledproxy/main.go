// Command profiledproxy is the whole program with a profile of its processor time, which it writes at its end to
// the file that CPU_PROFILE names. Nothing of that is in the program that is released.
package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/cli"
)

func main() {
	file, err := os.Create(os.Getenv("CPU_PROFILE"))
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "CPU_PROFILE:", err)
		os.Exit(2)
	}
	code := cli.Main(cli.System{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Lookup: os.LookupEnv, Environ: os.Environ, Now: time.Now, TempDir: os.TempDir,
		Dir: ".", Version: "profiled",
	})
	pprof.StopCPUProfile()
	if err := file.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
