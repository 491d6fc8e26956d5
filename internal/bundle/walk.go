package bundle

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/bundle/gitignore"
)

// maxIgnoreFile limits the size of an ignore file, in bytes. They are read into memory; git's own limit is 100 MB.
const maxIgnoreFile = 1 << 20

// scope is what the walk knows about a folder before it looks at its files.
type scope struct {
	path     string // from the project's folder, "" or ending in a slash
	tree     *gitignore.Tree
	firm     Rule // a rule that excludes everything below, whatever the config includes
	spare    bool // firm is about secrets that no app reads
	included Rule // include names a part of the path
	out      Rule // a built-in rule or ignore excludes everything below
	isEnv    bool // the project's folder is itself a virtual environment

	// linked is the folder itself, absolute, if it is below a link named by Rules.AllowLinks; target is the link's
	// target.
	linked, target string
}

// walk decides about the files of a folder and descends. Each folder is opened inside its parent, so a folder that
// is replaced by a link during the walk does not lead out of the project.
func (p *planner) walk(root *os.Root, s scope) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	f, err := root.Open(".")
	if isGone(err) && s.path != "" {
		return nil // removed since its parent was read
	}
	if err != nil {
		return p.readError(s.path, err)
	}
	children, err := f.ReadDir(-1)
	_ = f.Close() // opened for reading
	if isGone(err) && s.path != "" {
		return nil
	}
	if err != nil {
		return p.readError(s.path, err)
	}
	if s, err = p.enter(root, s, children); err != nil {
		return err
	}
	if rule, whole := p.leavesOutAll(s); whole {
		p.leaveFolder(s, rule)
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
			p.leaveFolder(p.folder(s, name), rule)
			continue // no one else needs to read it
		}
		if now, statErr := root.Lstat(name); err != nil && statErr == nil && !now.IsDir() { // replaced since
			if err := p.file(root, s, name, now.Mode().Type()); err != nil {
				return err
			}
			continue
		}
		if isGone(err) {
			continue // removed since the folder was read
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

// leaveFolder lists a folder that is excluded as a whole.
func (p *planner) leaveFolder(s scope, rule Rule) {
	e := Entry{Name: s.path, Rule: rule, Mode: fs.ModeDir}
	e.Missed = rule.Detail == taggedCache && !strings.HasPrefix(path.Base(s.path), ".") // models, for example
	if rule.Kind == Secret && !s.spare {
		out := s
		out.firm = Rule{}
		_, ignored := p.leftOut(out)
		e.Missed = !ignored
	}
	p.listing.Entries = append(p.listing.Entries, e)
}

// folder creates the scope of a subfolder as far as its name decides.
func (p *planner) folder(s scope, name string) scope {
	sub := s
	sub.path = s.path + name + "/"
	whole := s.path + name
	if s.linked != "" {
		sub.linked = filepath.Join(s.linked, name)
	}
	if sub.firm.Kind == "" {
		sub.firm, sub.spare = secretFolder(whole)
	}
	if sub.firm.Kind == "" {
		sub.firm, _ = ownFolder(name)
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

// enter completes the scope with the folder's content.
func (p *planner) enter(root *os.Root, s scope, children []fs.DirEntry) (scope, error) {
	ignoreFile, cache := false, false
	for _, child := range children {
		switch {
		case child.IsDir():
		case child.Name() == IgnoreFileName:
			ignoreFile = true
		case child.Name() == cacheTag:
			cache = isCache(root)
		case strings.EqualFold(child.Name(), "pyvenv.cfg"):
			if s.path == "" {
				s.isEnv = true
			} else if s.firm.Kind == "" {
				s.firm = Rule{Kind: Environment}
			}
		}
	}
	if cache && s.path != "" && s.out.Kind == "" {
		s.out = Rule{Kind: BuiltIn, Detail: taggedCache}
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

// cacheTag is the file with which tools mark their caches (https://bford.info/cachedir/).
const (
	cacheTag    = "CACHEDIR.TAG"
	taggedCache = "cache with a " + cacheTag
)

func isCache(root *os.Root) bool {
	const signature = "Signature: 8a477f597d28d172789f06886806bc55"
	f, err := root.OpenFile(cacheTag, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	content, _ := readStart(f, int64(len(signature)))
	return string(content) == signature
}

// readStart reads at most limit bytes.
func readStart(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}

// readIgnoreFile follows a link as long as it stays in the project.
func (p *planner) readIgnoreFile(root *os.Root, folder string) ([]byte, error) {
	name := folder + IgnoreFileName
	info, err := root.Stat(IgnoreFileName)
	if _, gone := root.Lstat(IgnoreFileName); isGone(gone) {
		return nil, nil // removed since the folder was read
	}
	if err != nil {
		return nil, p.readError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := root.OpenFile(IgnoreFileName, os.O_RDONLY|nonBlocking, 0)
	if isGone(err) {
		return nil, nil
	}
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
	return append([]byte{}, content...), nil // never nil: the file exists
}

// leavesOutAll reports whether no file below the folder can ship, and by which rule. With Rules.Full the folder is
// walked anyway.
func (p *planner) leavesOutAll(s scope) (Rule, bool) {
	below := func(name string) bool { return strings.HasPrefix(name, s.path) }
	if p.Full || s.path == "" || slices.ContainsFunc(p.allowed, below) {
		return Rule{}, false
	}
	if s.firm.Kind != "" {
		return s.firm, true
	}
	return p.leftOut(s)
}

// leftOut is the part of leavesOutAll decided by the project's own rules.
func (p *planner) leftOut(s scope) (Rule, bool) {
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

// inEnvironment finds the folders of a virtual environment created in the project's own folder.
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
	return fmt.Errorf("cannot read %s: %w", name, cause(err))
}
