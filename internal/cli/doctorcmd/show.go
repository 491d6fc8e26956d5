package doctorcmd

import (
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/term"
)

func (r report) show(out *term.Stream) {
	for _, c := range r.Checks {
		mark := map[Status]string{OK: out.Green("ok     "), Warning: out.Yellow("warning"), Problem: out.Red("problem")}[c.Status]
		out.Printf("%s  %-13s %s\n", mark, c.Name, lines(c.Message))
		if c.Hint != "" {
			out.Printf("         %-13s -> %s\n", "", lines(c.Hint))
		}
	}
	switch {
	case r.OK && r.Warnings == 0:
		out.Println(out.Green("Everything is in order."))
	case r.OK:
		out.Println(count(r.Warnings, "warning") + ", no problem.")
	}
}

// lines makes a text of several lines, each of them printable, fit below the first.
func lines(text string) string {
	parts := strings.Split(text, "\n")
	for i, p := range parts {
		if p = strings.TrimRight(p, "\r"); strings.ContainsFunc(p, func(r rune) bool { return !strconv.IsPrint(r) }) {
			p = term.Printable(p)
		}
		parts[i] = p
	}
	return strings.Join(parts, "\n"+strings.Repeat(" ", len("problem  ")+14))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
