package main

import (
	"slices"
	"strings"
	"testing"
)

// TestTestTwice runs the tests of small modules. once() is true at its first call only, also over processes.
func TestTestTwice(t *testing.T) {
	t.Parallel()
	const head = `package a

import (
	"os"
	"testing"
)

func once() bool {
	f, err := os.OpenFile("ran", os.O_CREATE|os.O_EXCL, 0o600)
	return err == nil && f.Close() == nil
}

func TestGood(t *testing.T) {}

`
	for name, tc := range map[string]struct {
		tests string
		flags []string
		flaky []string
		wrong string // what the error says; no error where it is empty
	}{
		"all pass": {tests: `func TestX(t *testing.T) {}`},
		"fails once": {
			tests: `func TestX(t *testing.T) { if once() { t.Fatal("slow") } }`,
			flaky: []string{"./a TestX"},
		},
		"a subtest fails once": {
			tests: `func TestX(t *testing.T) { t.Run("a b (c)", func(t *testing.T) { if once() { t.Fatal("slow") } }) }`,
			flaky: []string{"./a TestX/a_b_(c)"},
		},
		"fails twice": {
			tests: `func TestX(t *testing.T) { t.Fatal("broken") }`,
			wrong: "TestX failed twice",
		},
		"one fails once, one twice": {
			tests: `func TestX(t *testing.T) { if once() { t.Fatal("slow") } }
				func TestY(t *testing.T) { t.Fatal("broken") }`,
			flaky: []string{"./a TestX"},
			wrong: "TestY failed twice",
		},
		"is not there the second time": {
			tests: `func TestX(t *testing.T) { if once() { t.Run("sub", func(t *testing.T) { t.Fatal("slow") }) } }`,
			wrong: "TestX/sub failed and did not run again",
		},
		"panics once": {
			tests: `func TestX(t *testing.T) { if once() { panic("broken") } }`,
			wrong: "exit status 1",
		},
		"the process ends once": {
			tests: `func TestX(t *testing.T) { if once() { os.Exit(1) } }`,
			wrong: "exit status 1",
		},
		"fails after its tests, once": {
			tests: `func TestMain(m *testing.M) { code := m.Run(); if once() { code = 1 }; os.Exit(code) }`,
			wrong: "exit status 1",
		},
		"a data race, once": {
			tests: `func TestX(t *testing.T) {
				if once() {
					x, done := 0, make(chan bool)
					go func() { x++; close(done) }()
					x++
					<-done
				}
			}`,
			flags: []string{"-race"},
			wrong: "exit status 1",
		},
		"does not compile": {tests: `func TestX(t *testing.T) { undefined() }`, wrong: "exit status 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &workspace{root: t.TempDir(), out: t.Output()}
			put(t, w, map[string]string{"go.mod": "module example.test/flaky\n", "a/a_test.go": head + tc.tests})
			found, err := w.testFunctions("Test")
			if err != nil || len(found) != 1 {
				t.Fatalf("found %v, %v; want one package", found, err)
			}
			found[0].funcs = slices.DeleteFunc(found[0].funcs, func(f string) bool { return f == "TestMain" })
			flaky, err := w.testTwice(t.Context(), nil, append(tc.flags, "-vet=off"), "^Test", found[0])
			if !slices.Equal(flaky, tc.flaky) {
				t.Errorf("flaky %q, want %q", flaky, tc.flaky)
			}
			if (err != nil) != (tc.wrong != "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("error %v, want %q", err, tc.wrong)
			}
		})
	}
}
