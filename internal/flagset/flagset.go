// Package flagset defines the kinds of flags and arguments shared by several commands, so that each is validated,
// completed and explained the same way everywhere.
package flagset

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/spelling"
)

// Config adds --config/-c.
func Config(c *cobra.Command, to *string) {
	c.Flags().StringVarP(to, "config", "c", "", "configuration `FILE` (.json) or the folder that holds it")
}

// ProjectID adds --project-id. complete, which may be nil, lists the ids of the user's projects.
func ProjectID(c *cobra.Command, to *string, usage string, complete cobra.CompletionFunc) {
	c.Flags().StringVar(to, "project-id", "", usage)
	Complete(c, "project-id", complete)
}

// OneOf adds a flag that takes one of options. Another value is an error that suggests the nearest one.
func OneOf[S ~string](c *cobra.Command, to *S, name, usage string, options []S) {
	oneOfIn(c, c.Flags(), to, name, usage, options)
}

// OneOfPersistent is OneOf for a flag that subcommands inherit.
func OneOfPersistent[S ~string](c *cobra.Command, to *S, name, usage string, options []S) {
	oneOfIn(c, c.PersistentFlags(), to, name, usage, options)
}

func oneOfIn[S ~string](c *cobra.Command, set *pflag.FlagSet, to *S, name, usage string, options []S) {
	v := &oneOf[S]{to, options}
	set.Var(v, name, fmt.Sprintf("%s (%s)", usage, strings.Join(v.texts(), ", ")))
	Complete(c, name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return v.texts(), cobra.ShellCompDirectiveNoFileComp
	})
}

type oneOf[S ~string] struct {
	to      *S
	options []S
}

func (v *oneOf[S]) texts() []string {
	out := make([]string, 0, len(v.options))
	for _, o := range v.options {
		out = append(out, string(o))
	}
	return out
}

// String implements pflag.Value.
func (v *oneOf[S]) String() string { return string(*v.to) }

// Type implements pflag.Value.
func (v *oneOf[S]) Type() string { return "NAME" }

// Set implements pflag.Value.
func (v *oneOf[S]) Set(text string) error {
	for _, o := range v.options {
		if text == string(o) {
			*v.to = o
			return nil
		}
	}
	return Unknown("value", text, v.texts())
}

// Unknown is the error for a name that is not among options.
func Unknown(what, typed string, options []string) error {
	if near := spelling.Nearest(typed, options); near != "" {
		return fmt.Errorf("unknown %s %q: did you mean %q?", what, typed, near)
	}
	return fmt.Errorf("unknown %s %q: choose one of %s", what, typed, strings.Join(options, ", "))
}

// Complete makes fn complete the values of a flag.
func Complete(c *cobra.Command, flag string, fn cobra.CompletionFunc) {
	if fn == nil {
		return
	}
	if err := c.RegisterFlagCompletionFunc(flag, fn); err != nil {
		panic(err) // the flag does not exist: a bug in the command itself
	}
}

// Explain describes the values that a flag takes, in place of the parser's error.
func Explain(err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	var takes string
	switch wrong.GetFlag().Value.Type() {
	case "int", "int8", "int16", "int32", "int64", "count":
		takes = "a whole number"
	case "uint", "uint8", "uint16", "uint32", "uint64":
		takes = "a whole number, 0 or greater"
	case "float32", "float64":
		takes = "a number"
	case "duration":
		takes = "a duration, such as 90s, 15m or 1h"
	case "bool":
		takes = "true or false"
	default:
		return fmt.Errorf("--%s: %w", wrong.GetFlag().Name, wrong.Unwrap()) // one of our own types, whose errors are clear
	}
	if errors.Is(wrong.Unwrap(), strconv.ErrRange) {
		takes = "a smaller number"
	}
	return fmt.Errorf("--%s takes %s, not %q", wrong.GetFlag().Name, takes, wrong.GetValue())
}

// Within limits the time of work. If the limit is reached and work returns only the context's error, the error is
// what.
func Within(ctx context.Context, limit time.Duration, what string, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := work(ctx)
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failure.New(failure.TimedOut, "%s within %s (--timeout)", what, limit)
	}
	return err
}

// Fixed completes with a list, and never with files.
func Fixed(options ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(options, cobra.ShellCompDirectiveNoFileComp)
}
