package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// A systemTool is something that the tests use and that the operating system's packages bring.
type systemTool struct {
	name    string
	there   func(ctx context.Context) bool
	apt     []string // Debian's packages that have it
	rAndAll bool     // only the complete set of frameworks needs it
	linux   bool     // does not exist elsewhere
}

func systemTools() []systemTool {
	return []systemTool{
		{name: "git", there: onPath("git"), apt: []string{"git"}},
		{name: "a C compiler (race detector)", there: onPath("gcc", "clang", "cc"), apt: []string{"gcc", "libc6-dev"}},
		{name: "Python 3.10 or newer with venv", there: answers(python(), "-c",
			"import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"), apt: []string{"python3", "python3-venv"}},
		{name: "strace", there: onPath("strace"), apt: []string{"strace"}, linux: true},
		{name: "chromium", there: onPath("chromium", "chromium-browser", "google-chrome"), apt: []string{"chromium"}},
		{name: "R with shiny, bslib, dplyr, ggplot2 and readr", there: answers("Rscript", "-e",
			`quit(status = !all(c("shiny", "bslib", "dplyr", "ggplot2", "readr") %in% rownames(installed.packages())))`),
			apt:     []string{"r-base-core", "r-cran-shiny", "r-cran-bslib", "r-cran-dplyr", "r-cran-ggplot2", "r-cran-readr"},
			rAndAll: true},
	}
}

// installTools installs what is missing, where it can: as root on a Debian. It returns the names of tools
// that are still missing.
func (w *workspace) installTools(ctx context.Context, all bool) ([]string, error) {
	var packages, missing []string
	for _, t := range systemTools() {
		if t.rAndAll && !all || t.linux && runtime.GOOS != "linux" || t.there(ctx) {
			continue
		}
		missing = append(missing, t.name)
		packages = append(packages, t.apt...)
	}
	if len(missing) == 0 || !onPath("apt-get")(ctx) || os.Geteuid() != 0 {
		return missing, ctx.Err()
	}
	fmt.Fprintln(w.out, "installing", strings.Join(missing, ", "))
	quiet := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := w.run(ctx, quiet, "apt-get", "update", "-qq"); err != nil {
		return nil, err
	}
	install := append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)
	if err := w.run(ctx, quiet, "apt-get", install...); err != nil {
		return nil, err
	}
	missing = missing[:0]
	for _, t := range systemTools() {
		if (!t.rAndAll || all) && (!t.linux || runtime.GOOS == "linux") && !t.there(ctx) {
			missing = append(missing, t.name)
		}
	}
	return missing, nil
}

// onPath tells whether one of the programs is installed.
func onPath(names ...string) func(context.Context) bool {
	return func(context.Context) bool {
		for _, name := range names {
			if _, err := exec.LookPath(name); err == nil {
				return true
			}
		}
		return false
	}
}

// answers tells whether the command runs and exits with status 0.
func answers(name string, args ...string) func(context.Context) bool {
	return func(ctx context.Context) bool { return exec.CommandContext(ctx, name, args...).Run() == nil }
}
