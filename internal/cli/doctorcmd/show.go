package doctorcmd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (r report) show(out *term.Stream) {
	for _, c := range r.Checks {
		mark := map[Status]string{OK: out.Green("ok     "), Warning: out.Yellow("warning"), Problem: out.Red("problem")}[c.Status]
		if out.Width() < narrow {
			out.Println(mark + "  " + c.Name)
			out.Println(out.Wrapped("  "+lines(c.Message, 2), 0))
		} else {
			out.Println(out.Wrapped(mark+fmt.Sprintf("  %-13s ", c.Name)+lines(c.Message, margin), margin))
		}
		if c.Hint != "" {
			at := min(margin, out.Width()/4)
			out.Println(out.Wrapped(strings.Repeat(" ", at)+"-> "+lines(c.Hint, at), len("-> ")))
		}
	}
	switch {
	case r.OK && r.Warnings == 0:
		out.Println(out.Green("Everything is in order."))
	case r.OK:
		out.Println(count(r.Warnings, "warning") + ", no problem.")
	}
}

// narrow is the width below which a check takes more than one line, in columns.
const narrow = 60

// margin is where messages begin, in columns.
const margin = len("problem  ") + 14

// lines makes a text printable, its further lines indented to align with the first, which begins at a column.
func lines(text string, column int) string {
	parts := strings.Split(text, "\n")
	for i, p := range parts {
		if p = strings.TrimRight(p, "\r"); strings.ContainsFunc(p, func(r rune) bool { return !strconv.IsPrint(r) }) {
			p = term.Printable(p)
		}
		parts[i] = p
	}
	return strings.Join(parts, "\n"+strings.Repeat(" ", column))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
