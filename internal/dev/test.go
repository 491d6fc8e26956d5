package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tests that start a real web framework take minutes, and a browser beside them can be slow on a busy machine.
// Names that begin like this put them into a stage of their own, after everything that is fast.
const (
	frameworkTests = "TestFramework"
	browserTests   = "TestBrowser"
)

// lightFrameworks are those that most people use, in about a gigabyte of packages.
const lightFrameworks = "flask,dash,panel,streamlit"

// testTask runs all there is to check, cheapest complaint first.
func testTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("test", flag.ContinueOnError)
	f.SetOutput(w.out)
	frameworks := f.String("frameworks", "all", "real frameworks to test with: none, light ("+lightFrameworks+"), all or a `list`")
	only := f.String("only", "", "comma-separated `stages` to run; all when empty")
	// inputs are counted, so that a slow machine tries no fewer than a fast one
	fuzzTime := f.String("fuzztime", "10000x", "`number` of inputs for each fuzz target, or a time such as 30s")
	lenient := f.Bool("allow-missing", false, "go on where a tool can not be installed; tests that need it are skipped")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *frameworks == "light" {
		*frameworks = lightFrameworks
	}
	var env []string   // of the Go tests; filled by the first stage
	var flaky []string // tests that passed at the second try
	all := []stage{
		{"setup", "tools that the tests need", func(ctx context.Context) (err error) {
			env, err = w.testEnvironment(ctx, *frameworks, *lenient)
			return err
		}},
		{"lint", "format, vet, linters", func(ctx context.Context) error { return lintTask(ctx, w, nil) }},
		{"cross", "all released platforms compile", func(ctx context.Context) error { return crossTask(ctx, w, nil) }},
		{"race", "Go tests with the race detector, shuffled", func(ctx context.Context) error { return w.testRaces(ctx, env) }},
		{"fuzz", "every fuzz target, briefly", func(ctx context.Context) error {
			return w.fuzz(ctx, env, *fuzzTime)
		}},
		{"docs", "generated reference is up to date", func(ctx context.Context) error {
			return docsTask(ctx, w, []string{"--check"})
		}},
		{"release", "the description of releases is valid", func(ctx context.Context) error { return releaseTask(ctx, w, nil) }},
		{"demo", "the main job from end to end", w.demo},
		{"frameworks", "real browsers, and every example in its real framework", func(ctx context.Context) (err error) {
			flaky, err = w.testFrameworks(ctx, env, *frameworks)
			return err
		}},
	}
	stages, err := pick(all, *only)
	if err != nil {
		return err
	}
	if stages[0].name != "setup" {
		stages = append(all[:1:1], stages...)
	}
	err = runStages(ctx, w.out, stages)
	for _, name := range flaky {
		fmt.Fprintf(w.out, "  flaky: %s\n", name)
	}
	return err
}

// demo is the first end-to-end test: the product logs in to an app that it started behind its own login.
func (w *workspace) demo(ctx context.Context) error {
	if !w.has("cmd", "ploomber-cloud", "main.go") {
		return w.notYet("cmd/ploomber-cloud")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	return w.run(ctx, w.static(), "go", "run", "./cmd/ploomber-cloud", "demo", "--check")
}

// testRaces runs the tests of every module but those that run alone.
func (w *workspace) testRaces(ctx context.Context, env []string) error {
	modules, err := w.modules()
	if err != nil {
		return err
	}
	tests, err := w.files(func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	// Many tests wait, most for another process: no more of them than processors would leave these idle.
	atOnce := strconv.Itoa(2 * runtime.NumCPU())
	for _, module := range modules {
		if !slices.ContainsFunc(tests, func(file string) bool { return module == "." || strings.HasPrefix(file, module+"/") }) {
			continue // the go command would compile it all the same
		}
		err = errors.Join(err, w.runIn(ctx, module, env, "go", "test", "-race", "-shuffle=on", "-vet=off", "-timeout=30m",
			"-p="+atOnce, "-parallel="+atOnce, "-skip=^("+frameworkTests+"|"+browserTests+")", "./..."))
	}
	// What the proxy does without raw system calls, as on other systems.
	return errors.Join(err, w.runIn(ctx, ".", env, "go", "test", "-vet=off", "-tags=noraw", "./pkg/authproxy/nowait", "./pkg/authproxy/upstream"))
}

// testFrameworks runs the tests that need a browser, and unless which is "none" also those that need a framework. They run
// one package at a time. The names of those that needed a second try come back.
func (w *workspace) testFrameworks(ctx context.Context, env []string, which string) (flaky []string, err error) {
	prefixes := []string{browserTests, frameworkTests}
	if which == "none" {
		prefixes = prefixes[:1]
	}
	found, err := w.testFunctions(prefixes...)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no test is named %s", strings.Join(prefixes, " or "))
	}
	flags := []string{"-race", "-vet=off", "-v", "-timeout=50m"}
	for _, p := range found {
		passed, failed := w.testTwice(ctx, env, flags, "^("+strings.Join(prefixes, "|")+")", p)
		flaky, err = append(flaky, passed...), errors.Join(err, failed)
	}
	return flaky, err
}

// testEnvironment installs what the tests need and returns the variables through which they find it.
func (w *workspace) testEnvironment(ctx context.Context, frameworks string, lenient bool) ([]string, error) {
	env := []string{
		cacheVariable + "=" + filepath.Join(w.cache, "test"),
		"PLOOMBER_TEST_FRAMEWORKS=" + frameworks,
	}
	// Every later go command would download what it lacks, and fail at the first error of the proxy.
	if err := w.fetch(ctx, nil, "go", "mod", "download"); err != nil {
		return nil, err
	}
	missing, err := w.installTools(ctx, systemTools(frameworks))
	if err != nil {
		return nil, err
	}
	switch {
	case len(missing) == 0:
		env = append(env, "PLOOMBER_TEST_REQUIRE=1") // a missing tool fails a test instead of skipping it
	case lenient:
		fmt.Fprintln(w.out, "missing, tests that need them are skipped:", strings.Join(missing, ", "))
	default:
		return nil, fmt.Errorf("install %s, or pass --allow-missing", strings.Join(missing, ", "))
	}
	venv, err := w.pythonVenv(ctx)
	if err != nil {
		return nil, err
	}
	path, err := w.toolPath(ctx, venv)
	if err != nil {
		return nil, err
	}
	return append(env, "PLOOMBER_TEST_PYTHON="+venv.python, "PATH="+path), nil
}

// notYet reports a part of the project that a stage has nothing to say about while it does not exist.
func (w *workspace) notYet(what string) error {
	_, err := io.WriteString(w.out, what+" does not exist yet, nothing to check\n")
	return err
}
