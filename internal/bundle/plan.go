package bundle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Plan decides about every file below dir. It reads folders, ignore files, the start of files with suspicious
// names, and with Rules.Search everything that ships. The error is an *OutsideError for links that leave the
// project and would ship, a *NameError for names that a zip cannot represent, ctx.Err() if ctx ends first;
// otherwise it names the file that could not be read, or the one of Rules.AllowSecrets or Rules.AllowLinks that
// has no effect.
func Plan(ctx context.Context, dir string, rules Rules) (*Listing, error) {
	top, err := openTop(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = top.root.Close() }()
	p := &planner{
		Rules: rules, top: top, ctx: ctx,
		ignore:  ignoreRules(rules.Ignore),
		allowed: cleanNames(rules.AllowSecrets), allowedLinks: cleanNames(rules.AllowLinks),
		listing: &Listing{dir: top.dir, dirInfo: top.info},
	}
	if rules.Config != "" {
		if p.config, err = top.relative(rules.Config); err != nil {
			return nil, err
		}
	}
	if err := p.walk(top.root, scope{}); err != nil {
		return nil, err
	}
	return p.finish()
}

// top is the project's folder.
type top struct {
	dir  string // absolute, links resolved
	info fs.FileInfo
	root *os.Root
}

func openTop(dir string) (*top, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the project: %w", err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("cannot open the project: %w", err)
	}
	info, err := root.Stat(".")
	if err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("cannot open the project: %w", err)
	}
	return &top{dir: abs, info: info, root: root}, nil
}

// relative returns a file's path in the project, links resolved, or "" if it is elsewhere or does not exist.
func (t *top) relative(file string) (string, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(t.dir, file)
	}
	real, err := filepath.EvalSymlinks(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot follow %s: %w", file, err)
	}
	name, _ := t.inside(real)
	return name, nil
}

// inside returns the path in the project of a path without links.
func (t *top) inside(real string) (string, bool) {
	rel, err := filepath.Rel(t.dir, real)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

func cleanNames(names []string) []string {
	clean := make([]string, len(names))
	for i, name := range names {
		clean[i] = path.Clean(filepath.ToSlash(name))
	}
	return clean
}

type planner struct {
	Rules
	top          *top
	ctx          context.Context
	ignore       []ignoreRule
	allowed      []string // Rules.AllowSecrets as paths in the archive
	allowedLinks []string // Rules.AllowLinks, likewise
	shipAnyway   []string // those of allowed that would ship by their names too
	config       string   // path of the config in use, "" if it is not in the project

	listing   *Listing
	outside   []Link
	usedLinks []string // those of allowedLinks that had an effect
	badNames  []string
}

// finish applies the rules that need the whole list.
func (p *planner) finish() (*Listing, error) {
	l := p.listing
	slices.SortFunc(l.Entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	if p.Search {
		if err := p.search(); err != nil {
			return nil, err
		}
	}
	if len(l.secrets) > 0 {
		for i := range l.Entries {
			if e := &l.Entries[i]; e.Ships && e.Rule.Kind != Allowed && l.holdsSecret(e.info) {
				e.Ships, e.Missed, e.Rule = false, true, Rule{Kind: Secret, Detail: "another name of a secret file"}
			}
		}
	}
	if err := p.checkSecrets(); err != nil {
		return nil, err
	}
	if err := p.checkLinks(); err != nil {
		return nil, err
	}
	for i := range l.Entries {
		if e := &l.Entries[i]; e.Ships && !utf8.ValidString(e.Name) {
			p.badNames = append(p.badNames, e.Name)
		}
	}
	switch {
	case len(p.outside) > 0:
		slices.SortFunc(p.outside, func(a, b Link) int { return strings.Compare(a.Name, b.Name) })
		return nil, &OutsideError{Links: p.outside}
	case len(p.badNames) > 0:
		return nil, &NameError{Names: p.badNames}
	}
	return l, nil
}
