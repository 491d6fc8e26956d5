// Package prompt asks the user questions. On a terminal it uses survey; piped input is read one line per question;
// if no one can answer, that is a usage error naming the flag to use instead. It knows nothing about the subject
// of the questions.
package prompt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Question is one question.
type Question struct {
	Label   string             // such as "Enter the value for AUTH_CLIENT_ID"
	Flag    string             // the flag that answers it, such as "--client-id"; "" if there is none
	Default string             // the answer for empty input; "" means that the question is asked again
	Check   func(string) error // validates an answer, asked again on error; may be nil
	Twice   bool               // a typed secret is asked for a second time, to catch typing errors
	Exact   bool               // options have no numbers: an answer is what accept takes, or an option's text
}

// Options say whether the user may be prompted.
type Options struct {
	NoInput bool // --no-input: never
	CI      bool // a build server: no one is at the terminal, piped answers are read
	Dumb    bool // a terminal without cursor movement: one line per question
}

// Prompter asks the questions of one run. It is not safe for concurrent use.
type Prompter struct {
	Options // set before the first question

	io    *term.IO
	lines *lineReader
	heard bool // an answer, or the start of one, was read
}

// New returns a Prompter that talks through streams.
func New(streams *term.IO) *Prompter {
	return &Prompter{io: streams, lines: &lineReader{source: bufio.NewReader(streams.In)}}
}

// Text asks for one line.
func (p *Prompter) Text(ctx context.Context, q Question) (string, error) {
	if err := p.Expect(ctx, q); err != nil {
		return "", err
	}
	if in, out, ok := p.person(); ok {
		return askInput(in, out, q)
	}
	return p.line(ctx, q)
}

// Secret asks for one line without echo.
func (p *Prompter) Secret(ctx context.Context, q Question) (string, error) {
	if err := p.Expect(ctx, q); err != nil {
		return "", err
	}
	if !p.io.InTTY {
		return p.line(ctx, q)
	}
	for {
		answer, err := p.hidden(ctx, q)
		if err != nil || !q.Twice {
			return answer, err
		}
		again, err := p.hidden(ctx, Question{Label: q.Label + ", once more", Flag: q.Flag})
		if err != nil || again == answer {
			return answer, err
		}
		p.io.Err.Println("The two are not the same. Please try again.")
	}
}

// hidden asks for a line without echo on a terminal.
func (p *Prompter) hidden(ctx context.Context, q Question) (string, error) {
	if in, out, ok := p.person(); ok {
		return askPassword(in, out, q)
	}
	return p.hiddenLine(ctx, q)
}

// Confirm asks for yes or no; standard is the default for empty input.
func (p *Prompter) Confirm(ctx context.Context, q Question, standard bool) (bool, error) {
	if err := p.Expect(ctx, q); err != nil {
		return false, err
	}
	if in, out, ok := p.person(); ok {
		return askConfirm(in, out, q, standard)
	}
	choices := "y/N"
	if standard {
		choices = "Y/n"
	}
	q.Default, q.Check = " ", func(answer string) error {
		if _, ok := yesOrNo(answer, standard); !ok {
			return errors.New("please answer y or n")
		}
		return nil
	}
	answer, err := p.lineWith(ctx, q, fmt.Sprintf("%s [%s]: ", q.Label, choices))
	if err != nil {
		return false, err
	}
	yes, _ := yesOrNo(answer, standard)
	return yes, nil
}

func yesOrNo(answer string, standard bool) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "":
		return standard, true
	case "y", "yes":
		return true, true
	case "n", "no":
		return false, true
	}
	return false, false
}

// Choose asks for one of options and returns its index. A piped answer is an option's number, its text, or what
// accept (which may be nil) makes of it. q.Check is not used; again is shown after a wrong answer.
func (p *Prompter) Choose(ctx context.Context, q Question, options []string, again string, accept func(string) (int, bool)) (int, error) {
	if err := p.Expect(ctx, q); err != nil {
		return 0, err
	}
	if in, out, ok := p.person(); ok {
		return askSelect(in, out, q, options)
	}
	for {
		p.say("%s\n", q.Label)
		for i, o := range options {
			if q.Exact {
				p.say("  %s\n", o)
				continue
			}
			p.say("  %d. %s\n", i+1, o)
		}
		label := ": "
		if q.Default != "" && !q.Exact {
			label = fmt.Sprintf("[%s]: ", q.Default)
		}
		answer, err := p.read(ctx, q, label)
		if err != nil {
			return 0, err
		}
		if i, ok := pick(answer, q, options, accept); ok {
			return i, nil
		}
		p.say("%s\n", again)
	}
}

func pick(answer string, q Question, options []string, accept func(string) (int, bool)) (int, bool) {
	answer = strings.TrimSpace(answer)
	if answer == "" {
		answer = q.Default
	}
	if answer == "" {
		return 0, false // not accept's result: an option without a name must not be chosen by empty input
	}
	if q.Exact && accept != nil {
		return accept(answer)
	}
	if n, err := strconv.ParseUint(answer, 10, 31); !q.Exact && err == nil && n >= 1 && int(n) <= len(options) {
		return int(n) - 1, true // before an option whose name is a number: the user sees a numbered list
	}
	if i := slices.Index(options, answer); i >= 0 || q.Exact || accept == nil {
		return i, i >= 0
	}
	return accept(answer)
}

// Expect returns an error if no one can answer qs; see Options. It asks nothing. The error is about the first
// question and names the flags of all.
func (p *Prompter) Expect(ctx context.Context, qs ...Question) error {
	if len(qs) == 0 {
		return nil
	}
	q := qs[0]
	for _, more := range qs[1:] {
		q.Flag += ", " + more.Flag
	}
	switch {
	case p.Options.NoInput:
		return unasked(q, "prompts are disabled (--no-input)")
	case p.io.InEmpty:
		return unasked(q, "cannot prompt: standard input is not a terminal and has no piped answers")
	case p.Options.CI && p.io.InTTY:
		return unasked(q, "cannot prompt on a build server (CI is set)")
	case p.io.JSON && p.io.InTTY:
		return unasked(q, "--json does not prompt on a terminal")
	case p.Options.CI && !p.heard: // build servers run commands with a pipe that is closed immediately
		some, err := p.lines.some(ctx)
		switch {
		case err != nil:
			return err
		case !some:
			return unasked(q, "cannot prompt on a build server (CI is set), and standard input has no answer")
		}
		p.heard = true
	}
	return nil
}

// unasked is a usage error: a flag is missing.
func unasked(q Question, why string) error { return unanswered(failure.Usage, q, why) }

func unanswered(code int, q Question, why string) error {
	f := failure.New(code, "%s: %s", strings.TrimRight(q.Label, ":?"), why)
	if q.Flag == "" {
		return f
	}
	return f.WithHint("answer it with %s", q.Flag)
}

// say prints a part of a question; not with --json, where it is useless.
func (p *Prompter) say(format string, args ...any) {
	if !p.io.JSON {
		p.io.Err.Printf(format, args...)
	}
}

// person returns the terminal of a user who can be shown a full prompt.
func (p *Prompter) person() (in, out file, ok bool) {
	if p.Options.Dumb {
		return nil, nil, false
	}
	i, o, ok := p.io.Terminal()
	return i, o, ok
}

// line asks until an answer is valid.
func (p *Prompter) line(ctx context.Context, q Question) (string, error) {
	label := q.Label + ": "
	if q.Default != "" {
		label = fmt.Sprintf("%s [%s]: ", q.Label, q.Default)
	}
	return p.lineWith(ctx, q, label)
}

func (p *Prompter) lineWith(ctx context.Context, q Question, label string) (string, error) {
	for {
		answer, err := p.read(ctx, q, label)
		if err != nil {
			return "", err
		}
		if answer == "" {
			answer = q.Default
		}
		if answer == "" {
			continue
		}
		if q.Check != nil {
			if err := q.Check(answer); err != nil {
				p.say("%v\n", err)
				continue
			}
		}
		return answer, nil
	}
}

func (p *Prompter) read(ctx context.Context, q Question, label string) (string, error) {
	p.say("%s", label)
	answer, err := p.lines.next(ctx)
	if !p.io.InTTY {
		p.say("\n") // the line break was not typed by a person
	}
	if errors.Is(err, io.EOF) {
		return "", unanswered(failure.Failed, q, "the input ended before an answer")
	}
	return answer, err
}

// lineReader reads lines such that waiting for one ends with its context. A line that arrives later is lost, since
// the program exits then.
type lineReader struct{ source *bufio.Reader }

func (l *lineReader) next(ctx context.Context) (string, error) {
	return wait(ctx, func() (string, error) {
		line, err := l.source.ReadString('\n')
		if line != "" {
			err = nil // a last line without a line break
		}
		return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
	})
}

// some waits until there is a byte to read or the input ends.
func (l *lineReader) some(ctx context.Context) (bool, error) {
	return wait(ctx, func() (bool, error) {
		_, err := l.source.Peek(1)
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return err == nil, err
	})
}

// wait returns the result of read, or the error of ctx if it ends first.
func wait[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		got T
		err error
	}
	done := make(chan result, 1)
	go func() {
		got, err := read()
		done <- result{got, err}
	}()
	select {
	case r := <-done:
		return r.got, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
