package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/internal/bundle/gitignore"
)

// maxIgnoreFile bounds an ignore file, in bytes. Ours are read into memory; git's own limit is 100 MB.
const maxIgnoreFile = 1 << 20

// Plan decides about every file below dir. It reads folders, ignore files and the start of files that may be
// private keys. The error is an *OutsideError for links that leave the project and would ship, a *NameError for
// names that no zip can carry, ctx.Err() where ctx ends first, and else names the file that could not be read.
func Plan(ctx context.Context, dir string, rules Rules) (*Listing, error) {
	top, err := openTop(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = top.root.Close() }()
	p := &planner{
		Rules: rules, top: top, ctx: ctx,
		ignore:  ignoreRules(rules.Ignore),
		allowed: cleanNames(rules.AllowSecrets),
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

// relative returns a file's path in the project, links resolved, or "" where it lies elsewhere or is not there.
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
	top     *top
	ctx     context.Context
	ignore  []ignoreRule
	allowed []string // Rules.AllowSecrets as paths in the archive
	config  string   // path of the config in use, "" where it is not in the project

	listing  *Listing
	outside  []Link
	badNames []string
}

// scope is what the walk knows about a folder before it looks at its files.
type scope struct {
	path     string // from the project's folder, "" or ending in a slash
	tree     *gitignore.Tree
	firm     Rule // a rule that leaves out all below, whatever the config includes
	included Rule // include names a part of the path
	out      Rule // a built-in rule or ignore leaves out all below
	isEnv    bool // the project's folder is itself a virtual environment
}

// walk decides about the files of a folder and goes down. Each folder is opened inside its parent, so a folder
// that is replaced by a link while we walk does not lead out of the project.
func (p *planner) walk(root *os.Root, s scope) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	f, err := root.Open(".")
	if err != nil {
		return p.readError(s.path, err)
	}
	children, err := f.ReadDir(-1)
	_ = f.Close() // opened for reading
	if err != nil {
		return p.readError(s.path, err)
	}
	if s, err = p.enter(root, s, children); err != nil {
		return err
	}
	if rule, whole := p.leavesOutAll(s); whole {
		p.listing.Entries = append(p.listing.Entries, Entry{Name: s.path, Rule: rule, Mode: fs.ModeDir})
		return nil
	}
	for _, child := range children {
		name := child.Name()
		if !child.IsDir() {
			if err := p.file(root, s, name, child.Type()); err != nil {
				return err
			}
			continue
		}
		sub, err := root.OpenRoot(name)
		if rule, whole := p.leavesOutAll(p.folder(s, name)); err != nil && whole {
			p.listing.Entries = append(p.listing.Entries, Entry{Name: s.path + name + "/", Rule: rule, Mode: fs.ModeDir})
			continue // nobody needs to read it
		}
		if err != nil {
			return p.readError(s.path+name, err)
		}
		err = p.walk(sub, p.folder(s, name))
		_ = sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// folder makes the scope of a subfolder as far as its name decides.
func (p *planner) folder(s scope, name string) scope {
	sub := s
	sub.path = s.path + name + "/"
	whole := s.path + name
	if sub.firm.Kind == "" {
		sub.firm, _ = secretFolder(name)
	}
	if sub.firm.Kind == "" && s.isEnv && inEnvironment(sub.path) {
		sub.firm = Rule{Kind: Environment}
	}
	if sub.included.Kind == "" && slices.Contains(p.Include, name) {
		sub.included = Rule{Kind: Included, Detail: name}
	}
	if sub.out.Kind == "" {
		sub.out, _ = builtInFolder(name)
	}
	if sub.out.Kind == "" {
		sub.out = p.ignoredBy(name, whole, true)
	}
	return sub
}

// enter completes the scope with what the folder holds.
func (p *planner) enter(root *os.Root, s scope, children []fs.DirEntry) (scope, error) {
	ignoreFile := false
	for _, child := range children {
		switch {
		case child.IsDir():
		case child.Name() == IgnoreFileName:
			ignoreFile = true
		case strings.EqualFold(child.Name(), "pyvenv.cfg"):
			if s.path == "" {
				s.isEnv = true
			} else if s.firm.Kind == "" {
				s.firm = Rule{Kind: Environment}
			}
		}
	}
	var content []byte
	if ignoreFile && s.firm.Kind == "" {
		var err error
		if content, err = p.readIgnoreFile(root, s.path); err != nil {
			return s, err
		}
	}
	if s.path == "" {
		s.tree = gitignore.Root(content)
		s.out = p.ignoredBy(".", ".", true)
	} else {
		s.tree = s.tree.Enter(path.Base(s.path), content)
	}
	return s, nil
}

// readIgnoreFile follows a link as long as it stays in the project.
func (p *planner) readIgnoreFile(root *os.Root, folder string) ([]byte, error) {
	name := folder + IgnoreFileName
	info, err := root.Stat(IgnoreFileName)
	if err != nil {
		return nil, p.readError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := root.OpenFile(IgnoreFileName, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, p.readError(name, err)
	}
	defer func() { _ = f.Close() }()
	content, err := readStart(f, maxIgnoreFile+1)
	if err != nil {
		return nil, p.readError(name, err)
	}
	if len(content) > maxIgnoreFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxIgnoreFile)
	}
	return append([]byte{}, content...), nil // never nil: the file is there
}

// leavesOutAll tells whether no file below the folder can ship, and by which rule. With Rules.Full the folder is
// walked nevertheless.
func (p *planner) leavesOutAll(s scope) (Rule, bool) {
	if p.Full || s.path == "" || slices.ContainsFunc(p.allowed, func(name string) bool { return strings.HasPrefix(name, s.path) }) {
		return Rule{}, false
	}
	if s.firm.Kind != "" {
		return s.firm, true
	}
	if len(p.Include) > 0 { // may bring back any part of any path
		return Rule{}, false
	}
	if s.out.Kind != "" {
		return s.out, true
	}
	if s.tree.Ignored() {
		return verdictRule(s.tree.Verdict("", true)), true
	}
	return Rule{}, false
}

// inEnvironment finds the folders that a virtual environment made in the project's own folder.
func inEnvironment(folder string) bool {
	lower := strings.ToLower(folder)
	for _, prefix := range []string{"bin/", "scripts/", "lib/python", "lib64/", "lib/site-packages/", "include/python"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return false
}

func (p *planner) ignoredBy(name, whole string, folder bool) Rule {
	for i := range p.ignore {
		if p.ignore[i].matches(name, whole, folder) {
			return Rule{Kind: Ignored, Detail: p.ignore[i].text}
		}
	}
	return Rule{}
}

func verdictRule(v gitignore.Verdict) Rule {
	return Rule{Kind: IgnoreFile, Detail: v.Text, Source: fmt.Sprintf("%s%s:%d", v.Folder, IgnoreFileName, v.Line)}
}

func (p *planner) readError(name string, err error) error {
	if name == "" {
		name = p.top.dir
	}
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("cannot read %s: %w", name, err)
}

// finish applies the rules that need the whole list.
func (p *planner) finish() (*Listing, error) {
	l := p.listing
	slices.SortFunc(l.Entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	if len(l.secrets) > 0 {
		for i := range l.Entries {
			if e := &l.Entries[i]; e.Ships && e.Rule.Kind != Allowed && l.holdsSecret(e.info) {
				e.Ships, e.Rule = false, Rule{Kind: Secret, Detail: "another name of a secret file"}
			}
		}
	}
	for _, name := range p.allowed {
		if !slices.ContainsFunc(l.Entries, func(e Entry) bool { return e.Name == name }) {
			return nil, fmt.Errorf("cannot ship %s: %w", name, fs.ErrNotExist)
		}
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

// inspect reads the start of a file that its name makes suspicious.
func inspect(open func() (*os.File, error), look check) (string, error) {
	f, err := open()
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, io.ErrUnexpectedEOF)
	}
	content, err := readStart(f, keySearch)
	return look(content), err
}
