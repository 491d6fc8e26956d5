package gitignore

import "strings"

// Tree is the set of ignore files that apply to one folder: its own and those of its parents. A walk creates one
// for the top with Root and one for each subfolder with Enter. It is immutable and safe for concurrent use.
type Tree struct {
	above *Tree
	path  string // of the folder from the top, "" or ending in a slash
	file  *File  // nil where the folder has none

	verdict Verdict // set where the folder itself is ignored; it then counts for everything below
}

// Verdict is the decision of the ignore files about one path.
type Verdict struct {
	Pattern        // the line that decided; the zero Pattern where none matched
	Folder  string // path of the ignore file's folder from the top, "" or ending in a slash
	Ignored bool
}

// Root starts a tree. content is the top folder's ignore file, nil where there is none.
func Root(content []byte) *Tree {
	t := &Tree{}
	return t.with(content)
}

// Enter returns the tree for the subfolder name of t's folder. content is that folder's ignore file, nil where
// there is none; inside an ignored folder it has no say.
func (t *Tree) Enter(name string, content []byte) *Tree {
	sub := &Tree{above: t, path: t.path + name + "/"}
	if v := t.Verdict(name, true); v.Ignored {
		sub.verdict = v
		return sub
	}
	return sub.with(content)
}

func (t *Tree) with(content []byte) *Tree {
	if content != nil {
		t.file = Parse(content)
	}
	return t
}

// Ignored reports whether t's folder, and so everything in it, is ignored.
func (t *Tree) Ignored() bool { return t.verdict.Ignored }

// Verdict decides about the file or folder name in t's folder.
func (t *Tree) Verdict(name string, folder bool) Verdict {
	if t.verdict.Ignored {
		return t.verdict
	}
	path := t.path + name
	for at := t; at != nil; at = at.above {
		if at.file == nil {
			continue
		}
		if p, ok := at.file.Match(strings.TrimPrefix(path, at.path), folder); ok {
			return Verdict{Pattern: p, Folder: at.path, Ignored: !p.Negated}
		}
	}
	return Verdict{}
}
