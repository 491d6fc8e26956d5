//go:build unix

package main_test

import (
	"regexp"
	"strings"
	"testing"
)

// A person reads sentences where a program reads a log, and learns at once that the app is not there.
func TestProxyAtATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{".env": "username_main_app=ana\npassword_main_app=CANARY_typed\n"})
	tt := atTerminal(t, p, "proxy", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0")
	tt.see(t, "The login for http://127.0.0.1:1 is at http://127.0.0.1:")
	tt.see(t, "everything: password (user ana)")
	tt.see(t, "app does not answer")
	tt.answer(t, noQuestion, ctrlC)
	exit, shown := tt.end(t)
	if exit != 130 || strings.Contains(shown, "level=") || strings.Contains(shown, "msg=") || strings.Contains(shown, "CANARY") {
		t.Errorf("status %d, shown %q", exit, shown)
	}
	if n := strings.Count(shown, "stopped"); n != 1 {
		t.Errorf("%d times stopped: %q", n, shown)
	}
}

// The form of the log that someone asks for is what they get, at a terminal too.
func TestProxyLogAsAskedFor(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	tt := atTerminal(t, p, "proxy", "--public", "--log-format", "text", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0")
	tt.see(t, "msg=serving")
	tt.answer(t, noQuestion, ctrlC)
	if exit, shown := tt.end(t); exit != 130 {
		t.Errorf("status %d, shown %q", exit, shown)
	}
}

// On a narrow terminal lines end between words.
func TestNarrowTerminal(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, args := range map[string][]string{
		"an error with a hint": {"up"},
		"help":                 {"up", "--help"},
		"all commands":         {"--help"},
		"a warning":            {"proxy", "--check", "--listen", ":8080"},
		"the doctor":           {"doctor", "--offline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{".env": "username_main_app=ana\npassword_main_app=CANARY_typed\n"})
			_, shown := atTerminalOf(t, p, 40, args...).end(t)
			for line := range strings.SplitSeq(colour.ReplaceAllString(shown, ""), "\n") {
				line = strings.TrimRight(line, "\r ")
				if len([]rune(line)) > 40 && len(strings.Fields(line)) > 1 {
					t.Errorf("%q is longer than 40 columns", line)
				}
			}
		})
	}
}
