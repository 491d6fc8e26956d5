package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ploomber/ploomber-cloud/internal/bundle/secrets"
)

// link resolves a symbolic link and decides about its target. walked is set if it leads to a folder whose files
// were listed instead of it.
func (p *planner) link(s scope, name string, e *Entry) (ships, walked bool, err error) {
	real, err := filepath.EvalSymlinks(filepath.Join(p.top.dir, filepath.FromSlash(e.Name)))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) || isTooManyLinks(err) {
		e.Rule = Rule{Kind: BrokenLink}
		e.Missed = !strings.HasPrefix(name, ".#") // Emacs lock files are links that name the user
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return false, false, err
	}
	e.info = info
	inside, isInside := p.top.inside(real)
	allowed := slices.Contains(p.allowedLinks, e.Name)
	switch {
	case info.IsDir():
		walked, err = p.linkedFolder(s, name, e, real, allowed)
		return false, walked, err
	case !info.Mode().IsRegular():
		e.Rule = Rule{Kind: Special, Detail: kindName(info.Mode())}
		return false, false, nil
	}
	below := s.target != "" && isBelow(real, s.target)
	e.file, e.outside = inside, !isInside || below
	if e.outside {
		e.file = real
	}
	if !isInside {
		inside = filepath.ToSlash(real)
	}
	if e.Rule.Kind != Allowed {
		rule, spare, firm := secretPath(inside)
		if !firm && isInside {
			rule, spare, firm = p.firmRule(inside)
		}
		if firm {
			e.Missed = rule.Kind == Secret && !spare
			rule.Detail += ", through a link"
			e.Rule = rule
			return false, false, nil
		}
	}
	if !isInside && !below {
		p.leaves(e.Name, real, allowed)
	}
	return true, false, nil
}

// leaves records a link that leads out of the project and would ship.
func (p *planner) leaves(name, real string, allowed bool) {
	if allowed {
		p.usedLinks = append(p.usedLinks, name)
		return
	}
	p.outside = append(p.outside, Link{Name: name, Target: real})
}

// linkedFolder decides about a link to a folder. If it is allowed by name it is walked like a folder.
func (p *planner) linkedFolder(s scope, name string, e *Entry, real string, allowed bool) (walked bool, err error) {
	sub := p.folder(s, name)
	sub.linked, sub.target = real, real
	if rule, spare := secretFolder(filepath.ToSlash(real)); sub.firm.Kind == "" && rule.Kind != "" {
		sub.firm, sub.spare = rule, spare
	}
	if _, err := os.Stat(filepath.Join(real, "pyvenv.cfg")); err == nil && sub.firm.Kind == "" {
		sub.firm = Rule{Kind: Environment}
	}
	if rule, out := p.linkedOut(sub, name); out {
		e.Rule, e.Missed = rule, rule.Kind == Secret && !sub.spare
		return false, nil
	}
	_, isInside := p.top.inside(real)
	if !allowed {
		e.Rule, e.Missed = Rule{Kind: LinkedFolder}, true
		if !isInside && !(s.target != "" && isBelow(real, s.target)) {
			p.leaves(e.Name, real, false)
		}
		return false, nil
	}
	at := filepath.Join(p.top.dir, filepath.FromSlash(s.path))
	if s.linked != "" {
		at = s.linked
	}
	if isBelow(at, real) {
		return false, fmt.Errorf("the link leads to %s, which contains it", real)
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return false, err
	}
	defer func() { _ = root.Close() }()
	p.usedLinks = append(p.usedLinks, e.Name)
	return true, p.walk(root, sub)
}

// linkedOut reports whether a rule for folders or for files excludes a linked folder: ignore files treat links as
// files, and users write both.
func (p *planner) linkedOut(sub scope, name string) (Rule, bool) {
	if sub.firm.Kind != "" {
		return sub.firm, true
	}
	if sub.included.Kind != "" {
		return Rule{}, false
	}
	if sub.out.Kind != "" {
		return sub.out, true
	}
	if v := sub.tree.Verdict(name, true); v.Ignored { // still the parent's: walk enters the folder
		return verdictRule(v), true
	}
	return Rule{}, false
}

// isBelow reports whether a path without links is a folder or is inside it.
func isBelow(real, folder string) bool {
	rel, err := filepath.Rel(folder, real)
	return err == nil && filepath.IsLocal(rel)
}

// isTooManyLinks detects an error of path/filepath that has no type.
func isTooManyLinks(err error) bool {
	return err != nil && err.Error() == "EvalSymlinks: too many links"
}

// secretPath applies the name rules to a whole path: the target of a link, whose folders the walk did not pass.
func secretPath(whole string) (rule Rule, spare, ok bool) {
	for dir := path.Dir(whole); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if f, ok := secrets.Folder(dir); ok {
			return secretRule(f), f.Spare, true
		}
	}
	return secretFile(whole)
}

// checkLinks verifies that each of Rules.AllowLinks had an effect.
func (p *planner) checkLinks() error {
	for _, name := range p.allowedLinks {
		if slices.Contains(p.usedLinks, name) {
			continue
		}
		for i := range p.listing.Entries {
			switch e := &p.listing.Entries[i]; {
			case e.Name == name && e.Ships:
				return fmt.Errorf("%s is not a link that leaves the project, so it need not be allowed", name)
			case e.Name == name && e.Rule.Kind == Secret:
				return fmt.Errorf("the link %s leads to a secret (%s), which is left out even if the link is allowed", name, e.Rule.Detail)
			case e.Name == name || e.Name == name+"/", strings.HasSuffix(e.Name, "/") && strings.HasPrefix(name, e.Name):
				return fmt.Errorf("%s is left out even if the link is allowed (%s)", name, e.Rule)
			case strings.HasPrefix(e.Name, name+"/"):
				return fmt.Errorf("%s is a folder, not a link, so it need not be allowed", name)
			}
		}
		return fmt.Errorf("cannot follow the link %s: %w", name, fs.ErrNotExist)
	}
	return nil
}
