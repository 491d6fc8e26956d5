package prompt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// piped returns a Prompter whose answers are piped, and what it shows.
func piped(answers string, o prompt.Options) (*prompt.Prompter, *bytes.Buffer) {
	var shown bytes.Buffer
	streams := &term.IO{In: strings.NewReader(answers), Out: term.NewStream(io.Discard), Err: term.NewStream(&shown)}
	p := prompt.New(streams)
	p.Options = o
	return p, &shown
}

func TestText(t *testing.T) {
	t.Parallel()
	notX := func(s string) error {
		if s == "x" {
			return errors.New("x is taken")
		}
		return nil
	}
	for name, tc := range map[string]struct {
		answers string
		q       prompt.Question
		want    string
		shown   string
	}{
		"plain":         {"ana\n", prompt.Question{Label: "Name"}, "ana", "Name: \n"},
		"as typed":      {"  a b \r\n", prompt.Question{Label: "Name"}, "  a b ", "Name: \n"},
		"no line break": {"ana", prompt.Question{Label: "Name"}, "ana", "Name: \n"},
		"asked again":   {"\n\nana\n", prompt.Question{Label: "Name"}, "ana", "Name: \nName: \nName: \n"},
		"default":       {"\n", prompt.Question{Label: "Name", Default: "d"}, "d", "Name [d]: \n"},
		"checked":       {"x\ny\n", prompt.Question{Label: "Name", Check: notX}, "y", "Name: \nx is taken\nName: \n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, shown := piped(tc.answers, prompt.Options{})
			got, err := p.Text(t.Context(), tc.q)
			if err != nil || got != tc.want || shown.String() != tc.shown {
				t.Errorf("got %q, %v, shown %q", got, err, shown)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers string
		options prompt.Options
		streams func(*term.IO)
		code    int
		shown   bool // the question
	}{
		"input ends":       {answers: "", code: failure.Failed, shown: true},
		"no input":         {answers: "ana\n", options: prompt.Options{NoInput: true}, code: failure.Usage},
		"empty pipe in CI": {answers: "", options: prompt.Options{CI: true}, code: failure.Usage},
		"null device":      {answers: "", streams: func(s *term.IO) { s.InEmpty = true }, code: failure.Usage},
		"terminal in CI":   {options: prompt.Options{CI: true}, streams: func(s *term.IO) { s.InTTY = true }, code: failure.Usage},
		"terminal, JSON":   {streams: func(s *term.IO) { s.InTTY, s.JSON = true, true }, code: failure.Usage},
		"pipe ends, JSON":  {streams: func(s *term.IO) { s.JSON = true }, code: failure.Failed},
	} {
		q := prompt.Question{Label: "Name", Flag: "--name"}
		for kind, ask := range map[string]func(*prompt.Prompter) error{
			"text":    func(p *prompt.Prompter) error { _, err := p.Text(t.Context(), q); return err },
			"secret":  func(p *prompt.Prompter) error { _, err := p.Secret(t.Context(), q); return err },
			"confirm": func(p *prompt.Prompter) error { _, err := p.Confirm(t.Context(), q, true); return err },
			"choose":  func(p *prompt.Prompter) error { _, err := p.Choose(t.Context(), q, []string{"a"}, "", nil); return err },
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				var shown bytes.Buffer
				streams := &term.IO{In: strings.NewReader(tc.answers), Out: term.NewStream(io.Discard), Err: term.NewStream(&shown)}
				if tc.streams != nil {
					tc.streams(streams)
				}
				p := prompt.New(streams)
				p.Options = tc.options
				if expected := p.Expect(t.Context(), q); (expected != nil) != (tc.code == failure.Usage) {
					t.Errorf("expected beforehand: %v", expected)
				}
				err := ask(p)
				if failure.Code(err) != tc.code || !strings.Contains(failure.Hint(err), "--name") {
					t.Errorf("exit status %d, want %d: %v, hint %q", failure.Code(err), tc.code, err, failure.Hint(err))
				}
				if (shown.Len() > 0) != tc.shown {
					t.Errorf("shown %q, want something: %v", &shown, tc.shown)
				}
			})
		}
	}
}

// Once an answer has come, the end of the input is one that comes too early, in CI too.
func TestAnswersEndEarlyInCI(t *testing.T) {
	t.Parallel()
	p, _ := piped("ana\n", prompt.Options{CI: true})
	if _, err := p.Text(t.Context(), prompt.Question{Label: "Name"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Text(t.Context(), prompt.Question{Label: "Age", Flag: "--age"}); failure.Code(err) != failure.Failed {
		t.Errorf("exit status %d, want %d: %v", failure.Code(err), failure.Failed, err)
	}
}

// With --json standard error is for JSON alone; piped answers are read all the same.
func TestJSONShowsNoQuestion(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	streams := &term.IO{In: strings.NewReader("0\nb\nwrong\ny\n\nx\n"), Out: term.NewStream(io.Discard), Err: term.NewStream(&out), JSON: true}
	p := prompt.New(streams)
	n, err := p.Choose(t.Context(), prompt.Question{Label: "Which?"}, []string{"a", "b"}, "again", nil)
	yes, confirmErr := p.Confirm(t.Context(), prompt.Question{Label: "Sure?"}, false)
	text, textErr := p.Text(t.Context(), prompt.Question{Label: "Name"})
	if n != 1 || !yes || text != "x" || errors.Join(err, confirmErr, textErr) != nil || out.Len() > 0 {
		t.Errorf("%d, %v, %q, %v; shown %q", n, yes, text, errors.Join(err, confirmErr, textErr), &out)
	}
}

func TestPipedAnswersAreReadInCI(t *testing.T) {
	t.Parallel()
	p, _ := piped("ana\n", prompt.Options{CI: true})
	if got, err := p.Text(t.Context(), prompt.Question{Label: "Name"}); got != "ana" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for answers, want := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "No\n": false, "maybe\ny\n": true} {
		p, _ := piped(answers, prompt.Options{})
		if got, err := p.Confirm(t.Context(), prompt.Question{Label: "Sure?"}, !want); got != want || err != nil {
			t.Errorf("%q: %v, %v", answers, got, err)
		}
	}
	for _, standard := range []bool{true, false} {
		for _, blank := range []string{"\n", " \t\r\n"} {
			p, _ := piped(blank, prompt.Options{})
			if got, err := p.Confirm(t.Context(), prompt.Question{Label: "Sure?"}, standard); got != standard || err != nil {
				t.Errorf("blank answer, default %v: %v, %v", standard, got, err)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	options := []string{"analytics", "main_app", "exit"}
	accept := func(s string) (int, bool) { return 2, s == "quit" || s == "" }
	for answers, want := range map[string]int{
		"1\n": 0, "main_app\n": 1, " 3 \n": 2, "quit\n": 2, "0\n4\nmain\n2\n": 1, "\n  \n2\n": 1, "+1\n-1\n02\n": 1,
	} {
		p, shown := piped(answers, prompt.Options{})
		got, err := p.Choose(t.Context(), prompt.Question{Label: "Which?"}, options, "again", accept)
		if got != want || err != nil {
			t.Errorf("%q: %d, %v", answers, got, err)
		}
		if wrong := strings.Count(answers, "\n") - 1; strings.Count(shown.String(), "again") != wrong {
			t.Errorf("%q: shown\n%s", answers, shown)
		}
	}
}

func TestChooseExactly(t *testing.T) {
	t.Parallel()
	accept := func(s string) (int, bool) { return map[string]int{"0.5": 0, "1": 1}[s], s == "0.5" || s == "1" }
	p, shown := piped("2\n1\n\n", prompt.Options{})
	q := prompt.Question{Label: "CPUs", Exact: true, Default: "0.5"}
	for _, want := range []int{1, 0} {
		if got, err := p.Choose(t.Context(), q, []string{"0.5 free", "1 paid"}, "again", accept); got != want || err != nil {
			t.Errorf("%d, %v", got, err)
		}
	}
	if want := "CPUs\n  0.5 free\n  1 paid\n: \nagain\n"; !strings.HasPrefix(shown.String(), want) {
		t.Errorf("shown %q", shown)
	}
}

func TestChooseCountsBeforeItReads(t *testing.T) {
	t.Parallel()
	p, _ := piped("2\n9\n", prompt.Options{})
	for _, want := range []int{1, 0} {
		if got, err := p.Choose(t.Context(), prompt.Question{Label: "Project"}, []string{"9", "1", "2"}, "again", nil); got != want || err != nil {
			t.Errorf("%d, %v", got, err)
		}
	}
}

func TestChooseOnlyByText(t *testing.T) {
	t.Parallel()
	p, shown := piped("1\nDash\ndash\n", prompt.Options{})
	got, err := p.Choose(t.Context(), prompt.Question{Label: "Type", Exact: true}, []string{"chainlit", "dash"}, "again", nil)
	if got != 1 || err != nil || strings.Count(shown.String(), "again") != 2 || strings.Contains(shown.String(), "1.") {
		t.Errorf("%d, %v, shown %q", got, err, shown)
	}
}

func TestOneLineForEachQuestion(t *testing.T) {
	t.Parallel()
	p, _ := piped("a\nb\n1\ny\n", prompt.Options{})
	a, _ := p.Text(t.Context(), prompt.Question{Label: "A"})
	b, _ := p.Secret(t.Context(), prompt.Question{Label: "B"})
	c, _ := p.Choose(t.Context(), prompt.Question{Label: "C"}, []string{"x", "y"}, "", nil)
	d, _ := p.Confirm(t.Context(), prompt.Question{Label: "D"}, false)
	if a != "a" || b != "b" || c != 0 || !d {
		t.Errorf("%q %q %d %v", a, b, c, d)
	}
}

func TestWaitingEndsWithContext(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	streams := &term.IO{In: r, Out: term.NewStream(io.Discard), Err: term.NewStream(io.Discard)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := prompt.New(streams).Text(ctx, prompt.Question{Label: "Name"})
	if failure.Code(err) != failure.Interrupted {
		t.Errorf("%v", err)
	}
}
