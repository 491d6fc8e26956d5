package examplescmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

const (
	exit      = "exit"   // the last entry of both menus
	notListed = "docker" // its examples are named after their framework, so the framework menu leaves it out
	again     = "Please enter a valid choice."
	flagless  = "a name and a folder, such as 'examples streamlit/basic-app --dest my-app' ('examples --list' has the names)"
)

// choose prompts for a framework and one of its examples. If the user leaves the menu, the example has no name.
func (o *Options) choose(ctx context.Context, from exampleSource) (found, error) {
	var frameworks []string
	for _, f := range from.Frameworks() {
		if f != notListed {
			frameworks = append(frameworks, f)
		}
	}
	frameworks = append(frameworks, exit)
	anyCase := func(answer string) (int, bool) {
		i := slices.IndexFunc(frameworks, func(f string) bool { return strings.EqualFold(answer, f) })
		return i, i >= 0
	}
	n, err := o.Ask.Choose(ctx, whichFramework(), frameworks, again, anyCase)
	if err != nil || frameworks[n] == exit {
		return found{}, err
	}
	list := from.Examples(frameworks[n])
	var lines []string
	for _, e := range list {
		line := e.Title
		if e.Description != "" {
			line += ": " + e.Description
		}
		lines = append(lines, fit(o.IO.Err, line, 4)) // the menu's own markers before an entry
	}
	q := prompt.Question{Label: "Choose a " + frameworks[n] + " example:", Flag: flagless}
	n, err = o.Ask.Choose(ctx, q, append(lines, exit), again, nil)
	if err != nil || n == len(list) {
		return found{}, err
	}
	return found{list[n], from.source}, nil
}

func whichFramework() prompt.Question {
	return prompt.Question{Label: "Choose a framework:", Flag: flagless}
}

// fit shortens an entry to the width of the terminal: menus with wrapped lines flicker.
func fit(out *term.Stream, line string, margin int) string {
	const mark = "..."
	space := out.Width() - margin - len(mark)
	if runes := []rune(line); out.TTY() && space > 0 && len(runes) > space+len(mark) {
		return string(runes[:space]) + mark
	}
	return line
}

// listed is one example as --json prints it.
type listed struct {
	Framework   string `json:"framework"`
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Source      string `json:"source"` // "embedded" or "remote"
}

func (f found) listed() listed {
	return listed{f.Framework, f.Name, f.Title, f.Description, f.source}
}

func (o *Options) list(from sources) error {
	all := []listed{}
	for _, e := range from.all() {
		all = append(all, e.listed())
	}
	return o.IO.Result(struct {
		Examples []listed `json:"examples"`
	}{all}, func(out *term.Stream) {
		widest := 0
		for _, e := range all {
			widest = max(widest, len(e.Framework+"/"+e.Name))
		}
		for _, e := range all {
			line := fmt.Sprintf("%-*s  %s", widest, e.Framework+"/"+e.Name, e.Title)
			if e.Description != "" {
				line += ": " + e.Description
			}
			out.Println(fit(out, line, 0))
		}
	})
}
