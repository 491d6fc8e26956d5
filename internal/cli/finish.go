package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// finish reports how the run ended and returns its exit status.
func (e *env) finish(err error) int {
	if err == nil {
		return failure.Done
	}
	code, message, hint := e.outcome(err)
	if e.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		code, message, hint = failure.Interrupted, "interrupted", ""
	}
	if code == failure.Interrupted && !e.io.JSON {
		if message != "" { // otherwise the command has already said that it is stopping
			e.io.Err.Println(message) // cancelled by the user: not an error
		}
		return code
	}
	e.io.Err.Fail(code, cmp.Or(message, "interrupted"), hint)
	return code
}

// outcome finds the exit status, the message and the next step of an error. Where the hosted service did not answer, the
// message says that it has ended.
func (e *env) outcome(err error) (code int, message, hint string) {
	code, message, hint = outcome(err)
	if !e.settings.Hosted() {
		return code, message, hint
	}
	ended, instead := settings.Ended()
	if silent := e.settings.Silent(); silent != "" {
		instead = "the platform of this machine is not used: " + silent + "; " + instead
	}
	if errors.Is(err, cloudapi.ErrNetwork) {
		return code, ended + " and cannot be reached: " + message, cmp.Or(failure.Hint(err), instead)
	}
	for _, kind := range []error{cloudapi.ErrServer, cloudapi.ErrBadReply, cloudapi.ErrUnauthorized, cloudapi.ErrNotFound} {
		if errors.Is(err, kind) {
			return code, message, ended + ": " + instead
		}
	}
	return code, message, hint
}

// outcome adds an exit status and a hint to an error from a package that knows neither.
func outcome(err error) (code int, message, hint string) {
	code, message, hint = failure.Code(err), err.Error(), failure.Hint(err)
	next := ""
	var refusal *tier.Refusal
	switch {
	case errors.As(err, &refusal):
		code, next = failure.NotAllowed, "ask the operator of the host for a plan that includes it"
	case errors.Is(err, cloudapi.ErrUnauthorized):
		code, next = failure.NotAllowed, "see which key is used with 'ploomber-cloud key status'"
	case errors.Is(err, cloudapi.ErrNotFound):
		next = "the project may belong to another key or another platform: 'ploomber-cloud migrate' brings this folder's project here, " +
			"'ploomber-cloud init' makes a new one"
	case errors.Is(err, cloudapi.ErrNetwork):
		next = "check the connection with 'ploomber-cloud doctor'"
	case errors.Is(err, cloudapi.ErrServer):
		next = "try again later; if the problem persists, contact the operator of the host"
	}
	if hint == "" {
		hint = next
	}
	return code, message, hint
}

// lost reports whether a result could not be written: a full disk must not look like success.
func (e *env) lost() error {
	if err := e.io.Out.Failed(); err != nil {
		return failure.Failedf("cannot write the result: %w", err)
	}
	return nil
}
