// Command ploomber-cloud deploys data apps and puts a login in front of them.
package main

import (
	"io"
	"log"
	"os"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/cli"
)

// version is set by the linker for a release.
var version = "dev"

func main() {
	log.SetOutput(io.Discard) // net/http and others log there what a server sends; our errors contain all that users need
	os.Exit(cli.Main(cli.System{
		Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Lookup: os.LookupEnv, Environ: os.Environ, Now: time.Now, TempDir: os.TempDir,
		Dir: ".", Version: version,
	}))
}
