package proxycmd

import (
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Shown is what --check and --print-config print.
type Shown struct {
	Protected []string `json:"protected"` // what is guarded and how, in words
}

func (o *Options) show(p *plan) error {
	s := Shown{Protected: protection(p.login)}
	return o.IO.Result(s, func(out *term.Stream) {
		if o.Check {
			out.Println(out.Green("The configuration is right."))
		}
		for _, line := range s.Protected {
			out.Println("  " + line)
		}
	})
}
