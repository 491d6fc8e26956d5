// Package flagtest tests what commands make of their command lines.
package flagtest

import (
	"reflect"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// Case is a command line without the name of the command, and what comes of it.
type Case[F any] struct {
	Args []string
	Want F   // the zero value where the command does not get to run
	Code int // exit status
}

// Cases are named.
type Cases[F any] map[string]Case[F]

// Run runs each case. build makes a command that puts its flags into got in place of doing anything.
func Run[F any](t *testing.T, build func(got *F) *cobra.Command, cases Cases[F]) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got F
			c := build(&got)
			c.SilenceErrors, c.SilenceUsage = true, true
			c.SetArgs(append([]string{}, tc.Args...)) // nil would mean the arguments of the test
			err := c.ExecuteContext(t.Context())
			if code := failure.Code(err); code != tc.Code || !reflect.DeepEqual(got, tc.Want) {
				t.Errorf("code %d (%v), flags %+v; want %d, %+v", code, err, got, tc.Code, tc.Want)
			}
		})
	}
}
