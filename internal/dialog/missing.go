package dialog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Missing is one reason why files are left out although the app may need them.
type Missing struct {
	Text string // names the files
	Hint string // how to include them
}

// Missed explains the entries that a deployment leaves out although the app may need them, grouped by reason.
func Missed(entries []bundle.Entry) []Missing {
	kinds := map[bundle.Kind][]bundle.Entry{}
	for _, e := range slices.SortedFunc(slices.Values(entries), func(a, b bundle.Entry) int { return strings.Compare(a.Name, b.Name) }) {
		if e.Missed {
			kinds[e.Rule.Kind] = append(kinds[e.Rule.Kind], e)
		}
	}
	detail := func(e bundle.Entry) string { return e.Rule.Detail }
	var list []Missing
	for _, reason := range []struct {
		kind       bundle.Kind
		text, hint string
		detail     func(bundle.Entry) string
	}{
		{bundle.Secret, "left out because they hold secrets, although the app may need them", "put the values that the app reads into " + flow.EnvName +
			", or include a file with 'deploy --allow-secret FILE'", detail},
		{bundle.LinkedFolder, "left out because they are links to folders", "copy the folders into the project, or include the content of one with " +
			"'deploy --allow-link NAME'", nil},
		{bundle.BrokenLink, "left out because they are links to nothing", "correct the links, or remove them", nil},
		{bundle.BuiltIn, "left out because they are marked as caches", "put them into 'include' of " + project.FileName, nil},
		{bundle.Changed, "left out because they changed while the app was compressed", "deploy again when they no longer change", detail},
	} {
		if of := kinds[reason.kind]; len(of) > 0 {
			list = append(list, Missing{Text: reason.text + ": " + listed(of, reason.detail), Hint: reason.hint})
		}
	}
	return list
}

// WarnOfMissing prints warnings about what Missed finds.
func WarnOfMissing(report Reporter, entries []bundle.Entry) {
	for _, m := range Missed(entries) {
		report.Warn("%s. To change that, %s.", m.Text, m.Hint)
	}
}

// listed names files, only the first ones if there are many. detail may be nil.
func listed(entries []bundle.Entry, detail func(bundle.Entry) string) string {
	const most = 30
	var names []string
	for i, e := range entries {
		if i == most && len(entries) > most+1 {
			names = append(names, fmt.Sprintf("and %d more, see 'deploy --list-files'", len(entries)-most))
			break
		}
		name := term.Printable(e.Name)
		if detail != nil {
			name += " (" + detail(e) + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
