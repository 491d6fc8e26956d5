// Command barecobra is the yardstick of the start-up benchmark: a program of fifteen commands that does nothing
// but what cobra does by itself. It must not import anything of the project.
package main

import (
	"os"

	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{Use: "barecobra", Short: "Nothing but commands", Version: "1.0.0"}
	for _, name := range []string{
		"auth", "delete", "deploy", "dev", "examples", "github", "init", "key", "labels", "logs", "resources",
		"start", "stop", "templates", "watch",
	} {
		c := &cobra.Command{Use: name, Short: "Does nothing", RunE: func(*cobra.Command, []string) error { return nil }}
		c.Flags().Bool("force", false, "do nothing at once")
		c.Flags().StringP("config", "c", "", "a file that is not read")
		root.AddCommand(c)
	}
	if root.Execute() != nil {
		os.Exit(1)
	}
}
