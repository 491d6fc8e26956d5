// Command proxybench measures our proxy beside others that people put in front of an app: nginx, caddy and
// express-openid-connect. It starts their programs and drives them over the network, and must not know how our
// proxy does its work. 'go run ./internal/dev bench proxy' builds and installs what it needs and runs it. It is a
// module of its own, so that the product's go.mod does not grow by what a benchmark needs.
//
// The tables go to standard output, its progress to standard error.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var o options
	flag.StringVar(&o.program, "program", "", "our `program`")
	flag.StringVar(&o.node, "node", "", "`folder` of express-openid-connect, installed")
	flag.IntVar(&o.rounds, "rounds", 0, "`number` of rounds; 0 takes what is needed")
	flag.BoolVar(&o.quick, "quick", false, "short slices and few rounds")
	profiled := flag.Bool("profile", false, "show where the program spends its time, in place of the comparison")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	do := compare
	if *profiled {
		do = profile
	}
	err := do(ctx, os.Stdout, os.Stderr, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "proxybench:", err)
		os.Exit(1)
	}
}
