package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// proxyTools are what the comparison of proxies runs.
func proxyTools() []systemTool {
	return []systemTool{
		{"nginx", onPath("nginx"), []string{"nginx"}},
		{"caddy", onPath("caddy"), []string{"caddy"}},
		{"wrk", onPath("wrk"), []string{"wrk"}},
		{"node and npm", all("node", "npm"), []string{"nodejs", "npm"}},
		{"openssl", onPath("openssl"), []string{"openssl"}},
		{"taskset", onPath("taskset"), []string{"util-linux"}},
	}
}

// proxyBenchmark is the folder of the program that compares proxies, a module of its own.
const proxyBenchmark = "internal/dev/proxybench"

// benchProxy compares our proxy, built as it is released, with others. args are flags of the benchmark.
func (w *workspace) benchProxy(ctx context.Context, table io.Writer, args ...string) error {
	if err := w.needTools(ctx, proxyTools()); err != nil {
		return err
	}
	node, err := w.nodeProxy(ctx)
	if err != nil {
		return err
	}
	program := filepath.Join(w.cache, "bench", "ploomber-cloud")
	if err := w.buildAs(ctx, program, w.static(), "./cmd/ploomber-cloud"); err != nil {
		return err
	}
	return w.runProxyBenchmark(ctx, table, append(args, "-program="+program, "-node="+node)...)
}

// profileProxy shows where our proxy spends its time: a program that serves the same and can be profiled.
func (w *workspace) profileProxy(ctx context.Context, table io.Writer) error {
	tools := append(proxyTools(), systemTool{"strace", onPath("strace"), []string{"strace"}})
	if err := w.needTools(ctx, tools); err != nil {
		return err
	}
	program := filepath.Join(w.cache, "bench", "profiledproxy")
	if err := w.run(ctx, w.static(), "go", "build", "-o", program, "./internal/dev/profiledproxy"); err != nil {
		return err
	}
	return w.runProxyBenchmark(ctx, table, "-profile", "-program="+program)
}

// runProxyBenchmark builds the benchmark and writes what it prints, its tables, to table.
func (w *workspace) runProxyBenchmark(ctx context.Context, table io.Writer, args ...string) error {
	benchmark := filepath.Join(w.cache, "bench", "proxybench")
	if err := w.run(ctx, w.static(), "go", "build", "-C", proxyBenchmark, "-o", benchmark, "."); err != nil {
		return err
	}
	c := w.command(ctx, nil, benchmark, args...)
	c.Stdout, c.Stderr = table, w.out
	return c.Run()
}

// needTools installs what is missing, and fails where it can not.
func (w *workspace) needTools(ctx context.Context, tools []systemTool) error {
	missing, err := w.installTools(ctx, tools)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("install %s first; as root on a Debian this is done for you", strings.Join(missing, ", "))
	}
	return err
}

// nodeProxy installs express-openid-connect with what it needs, in versions fixed by a lock file, the first
// time. The folder is named after what is in it.
func (w *workspace) nodeProxy(ctx context.Context) (string, error) {
	files := os.DirFS(filepath.Join(w.root, proxyBenchmark, "node"))
	var content bytes.Buffer
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		fmt.Fprintf(&content, "%s\n%s\n", path, text)
		return err
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content.Bytes())
	home := filepath.Join(w.cache, fmt.Sprintf("node-proxy-%x", sum[:4]))
	lock := flock.New(home + ".lock") // two runs at once must not install into one folder
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer lock.Unlock()
	complete := filepath.Join(home, "complete")
	if _, err := os.Stat(complete); err == nil {
		return home, nil
	}
	if err := os.RemoveAll(home); err != nil {
		return "", err
	}
	if err := os.CopyFS(home, files); err != nil {
		return "", err
	}
	if err := w.fetch(ctx, nil, "npm", "--prefix", home, "ci", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
		return "", err
	}
	return home, os.WriteFile(complete, nil, 0o644)
}
