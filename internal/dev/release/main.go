// Command release reads .goreleaser.yaml as goreleaser does, which refuses unknown keys and wrong types, and
// checks that it builds the platforms given as arguments. It is a module of its own, so that the product's
// go.mod does not grow by goreleaser's; the whole of goreleaser takes too long to compile for every test run.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: release FILE GOOS/GOARCH...")
		os.Exit(2)
	}
	if err := check(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(path string, platforms []string) error {
	project, err := config.Load(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var built []string
	for _, b := range project.Builds {
		for _, system := range b.Goos {
			for _, arch := range b.Goarch {
				built = append(built, system+"/"+arch)
			}
		}
		if !slices.Contains(b.Env, "CGO_ENABLED=0") {
			return fmt.Errorf("%s: build %s does not set CGO_ENABLED=0", path, b.ID)
		}
	}
	slices.Sort(built)
	slices.Sort(platforms)
	if !slices.Equal(built, platforms) {
		return fmt.Errorf("%s: builds %v, released are %v", path, built, platforms)
	}
	return nil
}
