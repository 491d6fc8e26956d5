package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// testTwice runs the tests of one package whose names match the pattern, and those that failed once more. A pass at
// the second try is a defect as well, but one of the test: it comes back in flaky, not as an error. Only a test that
// failed by itself gets a second try. A crash, a data race, a package that does not compile and a test that did not
// end are final.
func (w *workspace) testTwice(ctx context.Context, env, flags []string, pattern string, p testPackage) (flaky []string, err error) {
	run := func(pattern string) (testResults, error) {
		return w.goTest(ctx, env, slices.Concat([]string{"test", "-json", "-count=1"}, flags, []string{"-run=" + pattern, p.dir}))
	}
	first, err := run(pattern)
	failed := first.failed()
	if err == nil || ctx.Err() != nil || len(failed) == 0 || !first.complete(p.funcs) {
		return nil, err
	}
	var twice error
	for _, name := range failed {
		fmt.Fprintf(w.out, "\n%s %s failed, second try\n", p.dir, name)
		second, err := run(exactly(name))
		switch {
		case err != nil:
			twice = errors.Join(twice, fmt.Errorf("%s failed twice: %w", name, err))
		case second.ended[name] != "pass":
			twice = errors.Join(twice, fmt.Errorf("%s %s failed and did not run again", p.dir, name))
		default:
			flaky = append(flaky, p.dir+" "+name)
		}
	}
	return flaky, twice
}

// exactly is a pattern for one test or subtest and no other.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// testResults is what go test -json says of one package.
type testResults struct {
	ended   map[string]string // pass, fail or skip, by name; that of a subtest begins with its parent's and a slash
	begun   []string
	crashed bool // it panicked, or had a data race
}

// goTest runs the go command, prints what the tests print and returns how they ended.
func (w *workspace) goTest(ctx context.Context, env, args []string) (testResults, error) {
	events, sink := io.Pipe()
	results := make(chan testResults, 1)
	piped := *w
	piped.out = sink
	go func() { results <- readResults(events, w.out) }()
	err := piped.run(ctx, env, "go", args...)
	_ = sink.Close()
	return <-results, err
}

// readResults reads test events and copies their output; other lines are copied unchanged.
func readResults(events io.Reader, out io.Writer) testResults {
	r := testResults{ended: map[string]string{}}
	for lines := bufio.NewReader(events); ; {
		line, err := lines.ReadString('\n')
		var e struct{ Action, Test, Output string }
		if json.Unmarshal([]byte(line), &e) != nil {
			e.Output = line
		}
		_, _ = io.WriteString(out, e.Output)
		r.crashed = r.crashed || strings.HasPrefix(e.Output, "panic: ") || strings.HasPrefix(e.Output, "fatal error: ") ||
			strings.Contains(e.Output, "WARNING: DATA RACE")
		switch {
		case e.Test == "":
		case e.Action == "run":
			r.begun = append(r.begun, e.Test)
		case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
			r.ended[e.Test] = e.Action
		}
		if err != nil {
			return r
		}
	}
}

// complete reports whether every test ended, those of these names among them, without a crash.
func (r testResults) complete(funcs []string) bool {
	return !r.crashed && !slices.ContainsFunc(slices.Concat(funcs, r.begun), func(name string) bool { return r.ended[name] == "" })
}

// failed lists the failed tests, in the order of their start, but for those that failed because a subtest did.
func (r testResults) failed() (names []string) {
	for _, name := range r.begun {
		isParent := func(other string) bool { return strings.HasPrefix(other, name+"/") && r.ended[other] == "fail" }
		if r.ended[name] == "fail" && !slices.ContainsFunc(r.begun, isParent) {
			names = append(names, name)
		}
	}
	return names
}
