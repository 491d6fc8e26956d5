// Package versioncmd prints the version of this program, without any request.
package versioncmd

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the root fills it.
type Options struct {
	IO      *term.IO
	Version string                          // set by the linker
	Build   func() (*debug.BuildInfo, bool) // debug.ReadBuildInfo
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = version
	}
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program",
		Long:  "Show the version, the commit it was built from, the Go release that built it and the platform it is for.",
		Example: "  ploomber-cloud version\n" +
			"  ploomber-cloud version --json\n" +
			"  ploomber-cloud --version          # one line",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
}

// result is what --json prints.
type result struct {
	Version  string `json:"version"`            // such as "1.2.0"; "dev" for a build without a release
	Commit   string `json:"commit,omitempty"`   // of the source; absent if the build did not record it
	Date     string `json:"date,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the source had uncommitted changes
	Go       string `json:"go"`
	Platform string `json:"platform"` // operating system and architecture, such as "linux/amd64"
}

func version(_ context.Context, o *Options) error {
	r := result{Version: Name(o.Version, o.Build), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := o.Build(); ok {
		r.add(info)
	}
	return o.IO.Result(r, func(out *term.Stream) {
		out.Printf("ploomber-cloud %s\n", r.Version)
		if r.Commit != "" {
			out.Printf("Commit:   %s\n", r.source())
		}
		out.Printf("Go:       %s\nPlatform: %s\n", r.Go, r.Platform)
	})
}

// Name is the version as shown everywhere: the one set by the linker for a release; otherwise the module version
// recorded in the build, which is all that a program installed by 'go install …@v1.2.0' has; otherwise "dev".
func Name(linked string, build func() (*debug.BuildInfo, bool)) string {
	if linked != "dev" {
		return linked
	}
	if info, ok := build(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return linked
}

// add copies what the build recorded about the source.
func (r *result) add(info *debug.BuildInfo) {
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Commit = s.Value
		case "vcs.time":
			r.Date = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
}

func (r *result) source() string {
	text := r.Commit
	if r.Date != "" {
		text += " of " + r.Date
	}
	if r.Modified {
		text += ", with changes"
	}
	return text
}
