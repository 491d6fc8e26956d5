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
	name  string
	there func(ctx context.Context) bool
	apt   []string // Debian's packages that have it
}

// systemTools lists what is needed here for tests with the given frameworks: none, all or a list of names.
func systemTools(frameworks string) []systemTool {
	tools := []systemTool{
		{"git", onPath("git"), []string{"git"}},
		{"a C compiler (for the race detector)", onPath("gcc", "clang", "cc"), []string{"gcc", "libc6-dev"}},
		{"Python 3.10 or newer with venv", answers(python(), "-c",
			"import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"), []string{"python3", "python3-venv"}},
	}
	if runtime.GOOS == "linux" {
		tools = append(tools,
			systemTool{"strace", onPath("strace"), []string{"strace"}},
			systemTool{"openssl", onPath("openssl"), []string{"openssl"}},
			systemTool{"nginx", onPath("nginx"), []string{"nginx"}},
			systemTool{"node and npm", all("node", "npm"), []string{"nodejs", "npm"}})
	}
	if frameworks != "none" {
		tools = append(tools, systemTool{"chromium", onPath("chromium", "chromium-browser", "google-chrome"),
			[]string{"chromium"}})
	}
	if frameworks == "all" || strings.Contains(frameworks, "shiny-r") {
		tools = append(tools, systemTool{"R with shiny, bslib, dplyr, ggplot2 and readr", answers("Rscript", "-e",
			`quit(status = !all(c("shiny", "bslib", "dplyr", "ggplot2", "readr") %in% rownames(installed.packages())))`),
			[]string{"r-base-core", "r-cran-shiny", "r-cran-bslib", "r-cran-dplyr", "r-cran-ggplot2", "r-cran-readr"}})
	}
	return tools
}

// installTools installs what is missing, where it can: as root on a Debian. It returns the names of tools
// that are still missing.
func (w *workspace) installTools(ctx context.Context, tools []systemTool) ([]string, error) {
	names, packages := missing(ctx, tools)
	if len(names) == 0 || !onPath("apt-get")(ctx) || os.Geteuid() != 0 {
		return names, ctx.Err()
	}
	fmt.Fprintln(w.out, "installing", strings.Join(names, ", "))
	quiet := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := w.fetch(ctx, quiet, "apt-get", "update", "-qq"); err != nil {
		return nil, err
	}
	install := append([]string{"install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"}, packages...)
	if err := w.fetch(ctx, quiet, "apt-get", install...); err != nil {
		return nil, err
	}
	names, _ = missing(ctx, tools)
	return names, ctx.Err()
}

// missing returns the names of the tools that are not there and Debian's packages that have them.
func missing(ctx context.Context, tools []systemTool) (names, packages []string) {
	for _, t := range tools {
		if !t.there(ctx) {
			names, packages = append(names, t.name), append(packages, t.apt...)
		}
	}
	return names, packages
}

// onPath reports whether one of the programs is installed.
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

// all reports whether every one of the programs is installed.
func all(names ...string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		for _, name := range names {
			if !onPath(name)(ctx) {
				return false
			}
		}
		return true
	}
}

// answers reports whether the command runs and exits with status 0.
func answers(name string, args ...string) func(context.Context) bool {
	return func(ctx context.Context) bool { return exec.CommandContext(ctx, name, args...).Run() == nil }
}
