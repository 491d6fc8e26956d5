package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/bundle/secrets"
)

// file decides about one file of a folder, or about a link.
func (p *planner) file(root *os.Root, s scope, name string, kind fs.FileMode) error {
	e := Entry{Name: s.path + name, file: s.path + name}
	if s.linked != "" {
		e.file, e.outside = filepath.Join(s.linked, name), true
	}
	var missed bool
	e.Rule, missed = p.nameRule(s, name)
	ships := e.Rule.ships()

	var err error
	switch {
	case kind&fs.ModeSymlink != 0:
		if ships {
			var walked bool
			if ships, walked, err = p.link(s, name, &e); walked || isGone(err) {
				return nil
			}
		}
	case kind.IsRegular():
		e.info, err = root.Lstat(name)
	default:
		if ships {
			ships, e.Rule = false, Rule{Kind: Special, Detail: kindName(kind)}
		}
	}
	if isGone(err) {
		return nil // removed since the folder was read, as editors do with their temporary files
	}
	if err != nil {
		return p.readError(e.Name, err)
	}
	if ships && !e.info.Mode().IsRegular() { // replaced since the folder was read
		ships, e.Rule = false, Rule{Kind: Special, Detail: kindName(e.info.Mode())}
	}
	if ships && e.Rule.Kind != Allowed {
		ships, err = p.looksHarmless(&e)
		switch {
		case isGone(err):
			return nil
		case errors.Is(err, errReplaced), errors.Is(err, errChanged):
			e.Rule, e.Missed = Rule{Kind: Changed, Detail: errReplaced.Error()}, true
		case err != nil:
			return err
		}
	}
	e.Ships, e.Missed = ships, e.Missed || missed
	if e.info != nil {
		e.Size, e.Mode, e.ModTime = e.info.Size(), e.info.Mode(), e.info.ModTime()
		if !ships && (e.Rule.Kind == Secret || e.Rule.Kind == Own) {
			p.listing.secrets = append(p.listing.secrets, e.info)
		}
	}
	p.listing.Entries = append(p.listing.Entries, e)
	return nil
}

// ships reports whether the rule lets a file ship.
func (r Rule) ships() bool { return r.Kind == Plain || r.Kind == Included || r.Kind == Allowed }

// nameRule is the rule decided by a file's path. missed is set for a secret that an app may read and that the
// project's own rules do not exclude.
func (p *planner) nameRule(s scope, name string) (rule Rule, missed bool) {
	rule, missed = p.ruleUnlessAllowed(s, name)
	if whole := s.path + name; slices.Contains(p.allowed, whole) {
		if rule.ships() {
			p.shipAnyway = append(p.shipAnyway, whole)
		}
		return Rule{Kind: Allowed}, false
	}
	return rule, missed
}

// ruleUnlessAllowed is nameRule without Rules.AllowSecrets.
func (p *planner) ruleUnlessAllowed(s scope, name string) (rule Rule, missed bool) {
	whole := s.path + name
	own := p.ownRule(s, name)
	if s.firm.Kind != "" {
		return s.firm, s.firm.Kind == Secret && !s.spare && own.ships()
	}
	if rule, spare, ok := p.firmRule(whole); ok {
		// The content of .env in the project's folder is sent separately.
		return rule, rule.Kind == Secret && !spare && own.ships() && whole != ".env"
	}
	if s.isEnv && s.path == "" && name == "pyvenv.cfg" {
		return Rule{Kind: Environment}, false
	}
	return own, false
}

// ownRule is the rule decided by the project's own configuration, or a built-in one.
func (p *planner) ownRule(s scope, name string) Rule {
	whole := s.path + name
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

// firmRule is a rule about a file that overrides the config's include. spare is set for secrets that no app reads.
func (p *planner) firmRule(whole string) (rule Rule, spare, ok bool) {
	if rule, spare, ok := secretFile(whole); ok {
		return rule, spare, true
	}
	if whole == p.config && filepath.Base(whole) != configName {
		return Rule{Kind: Own, Detail: "config"}, true, true
	}
	rule, ok = ownFile(whole)
	return rule, true, ok
}

func secretFile(whole string) (rule Rule, spare, ok bool) {
	f, ok := secrets.File(whole)
	return secretRule(f), f.Spare, ok
}

func secretFolder(whole string) (rule Rule, spare bool) {
	f, ok := secrets.Folder(whole)
	if !ok {
		return Rule{}, false
	}
	return secretRule(f), f.Spare
}

func secretRule(f secrets.Finding) Rule {
	return Rule{Kind: Secret, Detail: f.Detail}
}

// looksHarmless inspects files with suspicious names, and changes the rule if there is a secret.
func (p *planner) looksHarmless(e *Entry) (bool, error) {
	checks := []secrets.Check{secrets.Suspicious(e.Name, e.info.Size())}
	if e.file != e.Name {
		checks = append(checks, secrets.Suspicious(e.file, e.info.Size()))
	}
	for _, look := range checks {
		if look == nil {
			continue
		}
		f, err := p.inspect(e, look)
		if err != nil {
			return false, err
		}
		if f.Detail != "" {
			e.Rule, e.Missed = secretRule(f), !f.Spare
			return false, nil
		}
	}
	return true, nil
}

// inspect reads the start of a file with a suspicious name.
func (p *planner) inspect(e *Entry, look secrets.Check) (secrets.Finding, error) {
	f, _, err := p.listing.openPlanned(p.top.root, e)
	if err != nil {
		return secrets.Finding{}, err
	}
	defer func() { _ = f.Close() }()
	content, err := readStart(f, secrets.LookLimit)
	if err != nil {
		return secrets.Finding{}, readingError(e, err)
	}
	return look(content), nil
}

// openEntry opens the file of an entry. A link that was not allowed cannot leave the project: os.Root refuses.
// Opening never blocks on a pipe.
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
