package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// file decides about one file of a folder.
func (p *planner) file(root *os.Root, s scope, name string, kind fs.FileMode) error {
	e := Entry{Name: s.path + name, file: s.path + name}
	e.Rule = p.nameRule(s, name)
	ships := e.Rule.Kind == Plain || e.Rule.Kind == Included || e.Rule.Kind == Allowed

	var err error
	switch {
	case kind&fs.ModeSymlink != 0:
		if ships {
			ships, err = p.link(&e)
		}
	case kind.IsRegular():
		e.info, err = root.Lstat(name)
	default:
		if ships {
			ships, e.Rule = false, Rule{Kind: Special, Detail: kindName(kind)}
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed since the folder was read, as editors do with their temporary files
	}
	if err != nil {
		return p.readError(e.Name, err)
	}
	if ships && !e.info.Mode().IsRegular() { // replaced since the folder was read
		ships, e.Rule = false, Rule{Kind: Special, Detail: kindName(e.info.Mode())}
	}
	if ships && e.Rule.Kind != Allowed {
		if ships, err = p.looksHarmless(&e); err != nil {
			return p.readError(e.Name, err)
		}
	}
	e.Ships = ships
	if e.info != nil {
		e.Size, e.Mode, e.ModTime = e.info.Size(), e.info.Mode(), e.info.ModTime()
		if !ships && (e.Rule.Kind == Secret || e.Rule.Kind == Own) {
			p.listing.secrets = append(p.listing.secrets, e.info)
		}
	}
	p.listing.Entries = append(p.listing.Entries, e)
	return nil
}

// nameRule is the rule that a file's path decides.
func (p *planner) nameRule(s scope, name string) Rule {
	whole := s.path + name
	if slices.Contains(p.allowed, whole) {
		return Rule{Kind: Allowed}
	}
	if s.firm.Kind != "" {
		return s.firm
	}
	if rule, ok := p.firmRule(whole); ok {
		return rule
	}
	if s.isEnv && s.path == "" && name == "pyvenv.cfg" {
		return Rule{Kind: Environment}
	}
	if s.included.Kind != "" {
		return s.included
	}
	if slices.Contains(p.Include, name) {
		return Rule{Kind: Included, Detail: name}
	}
	if s.out.Kind != "" {
		return s.out
	}
	if rule, ok := builtInFile(name); ok {
		return rule
	}
	if rule := p.ignoredBy(name, whole, false); rule.Kind != "" {
		return rule
	}
	if v := s.tree.Verdict(name, false); v.Ignored {
		return verdictRule(v)
	}
	return Rule{Kind: Plain}
}

// firmRule is the rule about a file that holds against the config's include.
func (p *planner) firmRule(whole string) (Rule, bool) {
	if rule, ok := secretFile(whole); ok {
		return rule, true
	}
	if whole == p.config && filepath.Base(whole) != configName {
		return Rule{Kind: Own, Detail: "config"}, true
	}
	return ownFile(whole)
}

// link resolves a symbolic link and decides about its target.
func (p *planner) link(e *Entry) (ships bool, err error) {
	real, err := filepath.EvalSymlinks(filepath.Join(p.top.dir, filepath.FromSlash(e.Name)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) || isTooManyLinks(err) {
		e.Rule = Rule{Kind: BrokenLink}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return false, err
	}
	e.info = info
	switch {
	case info.IsDir():
		e.Rule = Rule{Kind: LinkedFolder}
		return false, nil
	case !info.Mode().IsRegular():
		e.Rule = Rule{Kind: Special, Detail: kindName(info.Mode())}
		return false, nil
	}
	inside, ok := p.top.inside(real)
	e.file, e.outside = inside, !ok
	if e.outside {
		e.file = real
		inside = filepath.ToSlash(real)
	}
	if e.Rule.Kind != Allowed {
		rule, firm := secretPath(inside)
		if !firm && !e.outside {
			rule, firm = p.firmRule(inside)
		}
		if firm {
			rule.Detail += ", through a link"
			e.Rule = rule
			return false, nil
		}
	}
	if e.outside && !slices.Contains(cleanNames(p.AllowLinks), e.Name) {
		p.outside = append(p.outside, Link{Name: e.Name, Target: real})
	}
	return true, nil
}

// isTooManyLinks finds the error that path/filepath makes without a type.
func isTooManyLinks(err error) bool {
	return err != nil && err.Error() == "EvalSymlinks: too many links"
}

// looksHarmless looks into files that may hold a secret and changes the rule where one does.
func (p *planner) looksHarmless(e *Entry) (bool, error) {
	whole := e.file
	look := contentCheck(whole, e.info.Size())
	if byName := contentCheck(e.Name, e.info.Size()); look == nil {
		look = byName
	}
	if look == nil {
		return true, nil
	}
	detail, err := inspect(func() (*os.File, error) { return openEntry(p.top.root, e) }, look)
	if err != nil || detail == "" {
		return err == nil, err
	}
	e.Rule = Rule{Kind: Secret, Detail: detail}
	return false, nil
}

// inspect reads the start of a file that its name makes suspicious.
func inspect(open func() (*os.File, error), look check) (string, error) {
	f, err := open()
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errReplaced)
	}
	content, err := readStart(f, keySearch)
	return look(content), err
}

// openEntry opens what an entry stands for. A link that was not allowed to leave the project cannot: os.Root
// refuses. Opening never waits for the other end of a pipe.
func openEntry(root *os.Root, e *Entry) (*os.File, error) {
	if e.outside {
		return os.OpenFile(e.file, os.O_RDONLY|nonBlocking, 0)
	}
	return root.OpenFile(filepath.FromSlash(e.file), os.O_RDONLY|nonBlocking, 0)
}

func kindName(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	case mode.IsDir():
		return "folder"
	default:
		return fmt.Sprintf("type %v", mode.Type())
	}
}
