package cli_test

import (
	"os"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/cli"
)

func system(t testing.TB, args ...string) cli.System {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = null.Close() })
	return cli.System{
		Args: args, In: null, Out: null, Err: null,
		Lookup:  func(string) (string, bool) { return "", false },
		Environ: func() []string { return nil }, Now: time.Now, TempDir: os.TempDir, Dir: t.TempDir(), Version: "test",
	}
}

// What every start pays before the command is known.
func BenchmarkRoot(b *testing.B) {
	s := system(b)
	for b.Loop() {
		cli.Root(s)
	}
}
