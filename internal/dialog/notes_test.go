package dialog_test

import (
	"fmt"
	"strings"
)

// notes is a Reporter that remembers; a warning begins with "warning: ".
type notes struct{ all []string }

func (n *notes) Note(format string, args ...any) { n.all = append(n.all, fmt.Sprintf(format, args...)) }

func (n *notes) Success(format string, args ...any) { n.Note(format, args...) }

func (n *notes) Warn(format string, args ...any) { n.Note("warning: "+format, args...) }

func (n *notes) warnings() (found []string) {
	for _, text := range n.all {
		if w, ok := strings.CutPrefix(text, "warning: "); ok {
			found = append(found, w)
		}
	}
	return found
}
