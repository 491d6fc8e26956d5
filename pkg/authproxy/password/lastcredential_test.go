package password

import (
	"context"
	"strings"
	"testing"
)

// What a connection has shown last is taken for known only as long as it would be without that, and only where it is
// the same to the last byte.
func TestLastCredential(t *testing.T) {
	t.Parallel()
	const pass = "a long enough password"
	for name, tc := range map[string]struct {
		change func(w *lastShown) // after a first request that was right
		want   Verdict
		hashes int
	}{
		"nothing":              {func(*lastShown) {}, Right, 0},
		"other case of scheme": {func(w *lastShown) { w.header = strings.Replace(w.header, "Basic", "BASIC", 1) }, Right, 0},
		"one byte more":        {func(w *lastShown) { w.header = basic("ann:" + pass + "x") }, Wrong, 1},
		"one byte less":        {func(w *lastShown) { w.header = basic("ann:" + pass[1:]) }, Wrong, 1},
		"other user":           {func(w *lastShown) { w.header = basic("bob:" + pass) }, Wrong, 1},
		"no credential":        {func(w *lastShown) { w.header = "" }, None, 0},
		"other scope":          {func(w *lastShown) { w.scope = "analytics" }, Wrong, 1},
		"after a long time":    {func(w *lastShown) { w.clock.Advance(verifiedFor) }, Right, 1},
		"other passwords":      {func(w *lastShown) { w.newChecker("another password") }, Wrong, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &lastShown{t: t, header: basic("ann:" + pass)}
			w.newChecker(pass)
			for range 3 {
				if got := w.ask(); got != Right {
					t.Fatal(got)
				}
			}
			w.hashes = 0
			tc.change(w)
			if got := w.ask(); got != tc.want || w.hashes != tc.hashes {
				t.Errorf("%v after %d hashes, want %v after %d", got, w.hashes, tc.want, tc.hashes)
			}
		})
	}
}

// A lock holds for what a connection has shown before it too.
func TestLastCredentialIsLocked(t *testing.T) {
	t.Parallel()
	w := &lastShown{t: t, header: basic("ann:right")}
	w.newChecker("right")
	if got := w.ask(); got != Right {
		t.Fatal(got)
	}
	right := w.header
	for i := 0; i < 100 && w.ask() != Locked; i++ {
		w.header = basic("ann:" + strings.Repeat("x", i+1))
	}
	w.header = right
	with := w.ask()
	w.over = LastCredential{}
	if without := w.ask(); with != without {
		t.Errorf("%v, and %v over a new connection", with, without)
	}
}

// Nothing is allocated for a credential that comes again.
func TestLastCredentialAllocates(t *testing.T) {
	w := &lastShown{t: t, header: basic("ann:" + strings.Repeat("long ", 50))}
	w.newChecker(strings.Repeat("long ", 50))
	w.ask()
	if n := testing.AllocsPerRun(100, func() { w.ask() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

type lastShown struct {
	t             *testing.T
	clock         *clock
	checker       *Checker
	over          LastCredential
	scope, header string
	hashes        int
}

func (w *lastShown) newChecker(password string) {
	w.checker, w.clock = newChecker(w.t, Login{Name: "ann", Password: password}, Login{Scope: "analytics", Name: "ann", Password: "of its own"})
	compare := w.checker.compare
	w.checker.compare = func(hash, password []byte) error {
		w.hashes++
		return compare(hash, password)
	}
}

func (w *lastShown) ask() Verdict {
	return w.checker.Basic(context.Background(), w.scope, w.header, here, &w.over).Verdict
}
