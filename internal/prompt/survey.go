package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/AlecAivazis/survey/v2"
	"github.com/AlecAivazis/survey/v2/terminal"
	xterm "golang.org/x/term"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

type file = *os.File

// ask shows a survey prompt on the stream for questions, so that results can be piped.
func ask[T any](in, out file, q survey.Prompt, check func(T) error) (T, error) {
	var answer T
	options := []survey.AskOpt{survey.WithStdio(in, out, out)}
	if check != nil {
		options = append(options, survey.WithValidator(func(v any) error {
			if typed, ok := v.(T); ok {
				return check(typed)
			}
			return nil
		}))
	}
	err := survey.AskOne(q, &answer, options...)
	switch {
	case errors.Is(err, terminal.InterruptErr):
		return answer, failure.New(failure.Interrupted, "interrupted")
	case errors.Is(err, io.EOF):
		return answer, failure.Failedf("the input ended before an answer")
	}
	return answer, err
}

func askInput(in, out file, q Question) (string, error) {
	return ask(in, out, &survey.Input{Message: q.Label + ":", Default: q.Default}, required(q))
}

func askPassword(in, out file, q Question) (string, error) {
	return ask(in, out, &survey.Password{Message: q.Label + ":"}, required(q))
}

func askConfirm(in, out file, q Question, standard bool) (bool, error) {
	return ask[bool](in, out, &survey.Confirm{Message: q.Label, Default: standard}, nil)
}

func askSelect(in, out file, q Question, options []string) (int, error) {
	s := &survey.Select{Message: q.Label, Options: options, PageSize: 15}
	if q.Default != "" && slices.Contains(options, q.Default) {
		s.Default = q.Default
	}
	return ask[int](in, out, s, nil)
}

func required(q Question) func(string) error {
	return func(answer string) error {
		switch {
		case answer == "" && q.Default == "":
			return errors.New("please enter a value")
		case answer != "" && q.Check != nil:
			return q.Check(answer)
		}
		return nil
	}
}

// hiddenLine reads a secret on a terminal without cursor movement.
func (p *Prompter) hiddenLine(ctx context.Context, q Question) (string, error) {
	in, ok := p.io.In.(file)
	if !ok {
		return p.line(ctx, q)
	}
	for {
		p.io.Err.Printf("%s: ", q.Label)
		answer, err := readHidden(ctx, in)
		p.io.Err.Println()
		if err != nil {
			return "", err
		}
		if problem := required(q)(string(answer)); problem != nil {
			p.io.Err.Println(problem.Error())
			continue
		}
		return string(answer), nil
	}
}

// readHidden reads one line without echo. If ctx ends first the terminal's echo is restored; a line that arrives
// later is lost, since the program exits then.
func readHidden(ctx context.Context, in file) ([]byte, error) {
	type result struct {
		line []byte
		err  error
	}
	fd := int(in.Fd())
	before, err := xterm.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer: %w", err)
	}
	done := make(chan result, 1)
	go func() {
		line, err := xterm.ReadPassword(fd)
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("cannot read the answer: %w", r.err)
		}
		return r.line, nil
	case <-ctx.Done():
		_ = xterm.Restore(fd, before) // nothing more can be done
		return nil, ctx.Err()
	}
}
