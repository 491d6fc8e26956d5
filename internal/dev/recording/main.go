// Command recording makes the terminal recording of the README: it runs the program in a pseudo-terminal, types a fixed
// script, and writes what the terminal shows as an animated SVG. It knows the program as users do, by its command line.
//
// Pauses are those of the script, not those of the machine, and progress lines are left out. So the recording changes
// only when the script or what the program prints does.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	out := flag.String("o", filepath.Join("docs", "images", "up.svg"), "the `file` to write")
	cache := flag.String("cache", "", "`folder` for the app's packages (default: a new one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *out, *cache)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, cache string) error {
	l, err := net.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		return fmt.Errorf("the recording shows the usual port: %w", err)
	}
	_ = l.Close()
	temp, err := os.MkdirTemp("", "recording-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	bin := filepath.Join(temp, "bin")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), "./cmd/ploomber-cloud")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the program: %w", err)
	}
	if cache == "" {
		cache = filepath.Join(temp, "cache")
	}
	var frames []frame
	for _, name := range []string{"first", "second"} { // the first run fills the cache
		home := filepath.Join(temp, name)
		folder := filepath.Join(home, "sales")
		if err := writeApp(folder); err != nil {
			return err
		}
		shell := exec.CommandContext(ctx, "/bin/sh")
		shell.Dir, shell.Env = folder, environ(home, bin, cache)
		if frames, err = record(shell, script()); err != nil {
			return err
		}
	}
	return os.WriteFile(out, render(frames), 0o644)
}

// script is what the recording shows. Pauses are in milliseconds.
func script() []step {
	return []step{
		{shows: prompt, pause: 600},
		{types: "ls", shows: prompt, pause: 900},
		{types: "ploomber-cloud auth --add --feature main_app --offline", shows: "User name for the app", pause: 700},
		{types: "ana", shows: "Password for the app", pause: 500},
		{types: "correct horse", shows: "once more", pause: 400},
		{types: "correct horse", shows: prompt, pause: 1200},
		{types: "ploomber-cloud up", shows: "Press Ctrl-C to stop it.", pause: 4500},
	}
}

// writeApp makes the project of the recording.
func writeApp(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"app.py":           "import streamlit as st\n\nst.title(\"Sales\")\n",
		"requirements.txt": "streamlit\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// environ keeps what installing packages may need, such as the settings of a proxy or an index, and nothing that would
// show in the recording.
func environ(home, bin, cache string) []string {
	kept := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(v), "=")
		return !strings.HasPrefix(name, "PIP_") && !strings.HasPrefix(name, "UV_") && !strings.HasPrefix(name, "SSL_CERT_") &&
			!strings.HasSuffix(name, "_PROXY") && !strings.HasSuffix(name, "_CA_BUNDLE")
	})
	return append(kept, "HOME="+home, "XDG_CACHE_HOME="+cache, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"PS1="+prompt, "TERM=xterm-256color", "LANG=C.UTF-8",
		"STREAMLIT_LOGGER_LEVEL=warning") // lower ones show the time and a random port
}
