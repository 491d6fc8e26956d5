package cli

import (
	"os"
	"testing"

	"github.com/spf13/cobra"
)

// What the help of the root says of a command that is not built is what the command says of itself.
func TestNamedCommands(t *testing.T) {
	t.Parallel()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	s := System{In: null, Out: null, Err: null, Lookup: func(string) (string, bool) { return "", false }, TempDir: os.TempDir}
	about := func(root *cobra.Command) map[string]string {
		all := map[string]string{}
		for _, c := range root.Commands() {
			all[c.Name()] = c.GroupID + ": " + c.Short
			if len(c.Aliases) > 0 {
				t.Errorf("%s has aliases, by which nobody would find it unbuilt", c.Name())
			}
		}
		return all
	}
	want, got := about(Root(s)), about(newEnv(s).root(func(string) bool { return false }))
	if len(want) < 20 || len(want) != len(got) {
		t.Fatalf("%d commands built, %d named", len(want), len(got))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q, but its help says %q", name, got[name], text)
		}
	}
}
