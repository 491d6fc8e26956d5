package examplescmd

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
)

// Sources of examples, as named in --json output.
const (
	remoteSource   = "remote"   // downloaded from the documentation
	embeddedSource = "embedded" // part of the program
)

// exampleSource is one source with its examples.
type exampleSource struct {
	catalog.Set
	source string
}

// sources are the sources in the order in which they are searched; there is at least one.
type sources []exampleSource

// found is an example and its source.
type found struct {
	catalog.Example
	source string
}

// load collects the examples. Those of the documentation come first, if they are available.
func (o *Options) load(ctx context.Context) (sources, error) {
	embedded := exampleSource{catalog.Embedded(), embeddedSource}
	c, err := o.Catalog()
	if o.Offline {
		all := sources{embedded}
		if err == nil { // otherwise there is no home folder, so nothing is cached
			all = append(all, exampleSource{c.Cached(), remoteSource})
		}
		return all, nil
	}
	var cached catalog.Set
	if err == nil {
		var set catalog.Set
		if set, err = c.Load(ctx, o.ClearCache); err == nil {
			return sources{{set, remoteSource}, embedded}, nil
		}
		cached = c.Cached()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(cached.Frameworks()) > 0 {
		o.IO.Err.Warn("The newest examples cannot be downloaded: %v. Using the ones downloaded before.", err)
		return sources{{cached, remoteSource}, embedded}, nil
	}
	o.IO.Err.Warn("The newest examples cannot be downloaded: %v. Using the ones built into this program.", err)
	return sources{embedded}, nil
}

// find looks up "framework/example". If there is no such example the error suggests the nearest.
func (s sources) find(typed string) (found, error) {
	const hint = "list them with 'ploomber-cloud examples --list'"
	framework, name, slash := strings.Cut(typed, "/")
	if !slash {
		return found{}, failure.Failedf("%q is not of the form framework/example%s", typed, s.suggest(typed)).WithHint(hint)
	}
	for _, from := range s {
		if e, err := from.Find(framework, name); err == nil {
			return found{e, from.source}, nil
		}
	}
	frameworks, names := map[string]bool{}, map[string]bool{}
	for _, from := range s {
		for _, f := range from.Frameworks() {
			frameworks[f] = true
		}
		for _, e := range from.Examples(framework) {
			names[e.Name] = true
		}
	}
	what, part, options := "framework", framework, frameworks
	if frameworks[framework] {
		what, part, options = "example of "+framework, name, names
	}
	err := flagset.Unknown(what, part, slices.Sorted(maps.Keys(options)))
	return found{}, (&failure.Error{Code: failure.Failed, Err: err}).WithHint(hint)
}

// suggest returns the examples that a user who typed no slash may have meant.
func (s sources) suggest(typed string) string {
	var meant []string
	for _, e := range s.all() {
		if strings.EqualFold(e.Name, typed) || strings.EqualFold(e.Framework, typed) {
			meant = append(meant, e.Framework+"/"+e.Name)
		}
	}
	if len(meant) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(meant, " or ") + "?"
}

// all lists every example once, as find would return it, sorted by framework and name.
func (s sources) all() []found {
	byName := map[string]found{}
	for _, from := range slices.Backward(s) {
		for _, framework := range from.Frameworks() {
			for _, e := range from.Examples(framework) {
				byName[framework+"/"+e.Name] = found{e, from.source}
			}
		}
	}
	list := make([]found, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list
}

// complete only offers what is on this machine, since a shell is waiting.
func (o *Options) complete(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	known := sources{{catalog.Embedded(), embeddedSource}}
	if c, err := o.Catalog(); err == nil {
		known = sources{{c.Cached(), remoteSource}, known[0]}
	}
	var names []string
	for _, e := range known.all() {
		names = append(names, cobra.CompletionWithDesc(e.Framework+"/"+e.Name, e.Title))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
