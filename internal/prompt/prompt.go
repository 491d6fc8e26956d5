// Package prompt asks the user. On a terminal it shows survey's questions; where answers are piped it reads
// one line for each question; where nobody can answer, that is wrong usage, and the error names the flag that would
// have. It knows nothing about what is asked.
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

// Question is what is asked for.
type Question struct {
	Label   string             // such as "Enter the value for AUTH_CLIENT_ID"
	Flag    string             // the flag that answers it, such as "--client-id"; "" where there is none
	Default string             // taken for an empty answer; "" means that an empty answer is asked again
	Check   func(string) error // refuses an answer, which is then asked again; may be nil
	Twice   bool               // a secret that somebody types is asked for once more, to find slips
	Exact   bool               // options have no numbers: an answer is what accept takes, or an option's text
}

// Options say who may be asked.
type Options struct {
	NoInput bool // --no-input: nobody
	CI      bool // a build server: nobody at the terminal, piped answers are read where there are any
	Dumb    bool // a terminal without cursor movement: one line for each question
}

// Prompter asks the questions of one run. It is not safe for concurrent use.
type Prompter struct {
	Options // set before the first question

	io    *term.IO
	lines *lineReader
	heard bool // there was an answer, or at least the start of one
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

// Secret asks for one line that is not shown while it is typed.
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

// hidden asks somebody at a terminal for a line that is not shown.
func (p *Prompter) hidden(ctx context.Context, q Question) (string, error) {
	if in, out, ok := p.person(); ok {
		return askPassword(in, out, q)
	}
	return p.hiddenLine(ctx, q)
}

// Confirm asks for yes or no; an empty answer is standard.
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

// Choose asks for one of options and returns its index. A piped answer is an option's number, else its text, or
// what accept makes of it (which may be nil). q.Check is not used; again is shown after a wrong answer.
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
		return 0, false // not what accept makes of it: an option without a name is not chosen by saying nothing
	}
	if q.Exact && accept != nil {
		return accept(answer)
	}
	if n, err := strconv.ParseUint(answer, 10, 31); !q.Exact && err == nil && n >= 1 && int(n) <= len(options) {
		return int(n) - 1, true // before an option that is named by a number: who sees a list counts
	}
	if i := slices.Index(options, answer); i >= 0 || q.Exact || accept == nil {
		return i, i >= 0
	}
	return accept(answer)
}

// Expect is an error where nobody can answer qs; see Options. It asks nothing. The error is about the first and names
// the flags of all.
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
		return unasked(q, "questions are off (--no-input)")
	case p.io.InEmpty:
		return unasked(q, "nobody can be asked: standard input is neither a terminal nor holds answers")
	case p.Options.CI && p.io.InTTY:
		return unasked(q, "nobody is asked on a build server (CI is set)")
	case p.io.JSON && p.io.InTTY:
		return unasked(q, "--json asks nothing at a terminal")
	case p.Options.CI && !p.heard: // build servers give their commands a pipe that is closed at once
		some, err := p.lines.some(ctx)
		switch {
		case err != nil:
			return err
		case !some:
			return unasked(q, "nobody is asked on a build server (CI is set), and standard input holds no answer")
		}
		p.heard = true
	}
	return nil
}

// unasked is wrong usage: a flag is missing.
func unasked(q Question, why string) error { return unanswered(failure.Usage, q, why) }

func unanswered(code int, q Question, why string) error {
	f := failure.New(code, "%s: %s", strings.TrimRight(q.Label, ":?"), why)
	if q.Flag == "" {
		return f
	}
	return f.WithHint("answer it with %s", q.Flag)
}

// say shows a part of a question; to programs it is of no use.
func (p *Prompter) say(format string, args ...any) {
	if !p.io.JSON {
		p.io.Err.Printf(format, args...)
	}
}

// person returns the terminal of somebody who can be shown a full question.
func (p *Prompter) person() (in, out file, ok bool) {
	if p.Options.Dumb {
		return nil, nil, false
	}
	i, o, ok := p.io.Terminal()
	return i, o, ok
}

// line asks until an answer passes.
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
		p.say("\n") // no one typed the line break
	}
	if errors.Is(err, io.EOF) {
		return "", unanswered(failure.Failed, q, "the input ended before an answer")
	}
	return answer, err
}

// lineReader reads lines so that waiting for one ends with its context. The line that comes after that is
// lost, as the program then ends.
type lineReader struct{ source *bufio.Reader }

func (l *lineReader) next(ctx context.Context) (string, error) {
	return wait(ctx, func() (string, error) {
		line, err := l.source.ReadString('\n')
		if line != "" {
			err = nil // a last line without line break
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

// wait returns what read does, or the error of ctx where that ends first.
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
