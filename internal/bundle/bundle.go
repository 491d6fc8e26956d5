// Package bundle creates the zip that a deployment uploads: Plan decides about every file of a project, Write and
// Spool pack those that ship. It opens the project for reading only and does not know where the zip goes.
//
// Rules apply in this order, and each entry records the one that decided:
//
//  1. Rules.AllowSecrets names the file: it ships.
//  2. Secrets by name, virtual environments and our own files are left out, whatever the config includes.
//  3. The config's include, then the built-in rules, the config's ignore, and .ploomberignore.
//  4. Dangling links, links to folders inside and special files (pipes, sockets, devices) are left out, unopened.
//  5. A link that leaves the project, to a file or to a folder, stops the plan with an *OutsideError, unless
//     Rules.AllowLinks names it. A link to a folder that is named there ships as that folder.
//  6. Links to secrets and files with a private key are left out. What only a search of the whole content finds is
//     found by Plan with Rules.Search, otherwise while packing, so that each file is read once.
package bundle

import (
	"io/fs"
	"os"
	"strconv"
	"time"
)

// Rules are the project's and the command line's settings for the archive.
type Rules struct {
	Ignore  []string // "ignore" of the config; an element that is not a string there is left out by the caller
	Include []string // "include" of the config

	Config       string   // the config file in use, absolute or relative to the project; "" for the default name
	AllowSecrets []string // files to ship although they are secrets, by their names in the archive
	AllowLinks   []string // links to ship although they leave the project, by their names in the archive
	Full         bool     // list every file of excluded folders, instead of one line for each folder
	Search       bool     // search all files that ship for private keys, for callers that do not pack
}

// Kind groups rules, for printing and counting.
type Kind string

// Kinds of rules. Those from Secret on cannot be overridden by the config's include.
const (
	Plain      Kind = "no rule" // no rule matches: it ships
	Included   Kind = "include"
	Allowed    Kind = "allowed by name"
	BuiltIn    Kind = "built-in"
	Ignored    Kind = "ignore"
	IgnoreFile Kind = IgnoreFileName

	Secret       Kind = "secret"
	Environment  Kind = "virtual environment"
	Own          Kind = "file of this program"
	LinkedFolder Kind = "link to a folder"
	BrokenLink   Kind = "link to nothing"
	Special      Kind = "not a regular file"
	Changed      Kind = "changed while it was packed"
)

// IgnoreFileName is an ignore file with the rules of .gitignore, in any folder of the project.
const IgnoreFileName = ".ploomberignore"

// Rule says why a file ships or is left out.
type Rule struct {
	Kind   Kind
	Detail string // what exactly matched, e.g. the entry of ignore; may be ""
	Source string // for IgnoreFile the file and line, as "data/.ploomberignore:3"
}

func (r Rule) String() string {
	switch {
	case r.Source != "":
		return r.Source + ": " + strconv.Quote(r.Detail)
	case r.Detail != "":
		return string(r.Kind) + ": " + r.Detail
	default:
		return string(r.Kind)
	}
}

// Entry is one file of the project, or a folder that is excluded as a whole.
type Entry struct {
	// Name is the path in the archive: relative, forward slashes, a slash at the end for a folder. A shipped
	// name is valid UTF-8 but may hold any other character, so quote it before printing.
	Name  string
	Ships bool
	Rule  Rule
	// Missed is set if the file is left out although the app may need it: a secret that is not a copy of another
	// file, or a link that is not followed. Files excluded by the config or an ignore file are not missed.
	Missed bool

	Size    int64 // bytes when planned; of a link's target
	Mode    fs.FileMode
	ModTime time.Time

	file string      // where to open it: inside the project with forward slashes, or absolute if outside is set
	info fs.FileInfo // identity when planned
	// outside is set for an allowed link that leaves the project, and for everything below a linked folder.
	outside bool
}

// Listing is a project's files, sorted by name, and the decision about each. It does not change after Plan.
type Listing struct {
	Entries []Entry

	dir     string // absolute, links resolved
	dirInfo fs.FileInfo
	secrets []fs.FileInfo // excluded files that must not ship under another name either
}

// Total returns the number of files that ship and the sum of their sizes in bytes.
func (l *Listing) Total() (files int, size int64) {
	for i := range l.Entries {
		if l.Entries[i].Ships {
			files++
			size += l.Entries[i].Size
		}
	}
	return files, size
}

// Missed returns the entries that are left out although the app may need them.
func (l *Listing) Missed() []Entry {
	var missed []Entry
	for _, e := range l.Entries {
		if e.Missed {
			missed = append(missed, e)
		}
	}
	return missed
}

// holdsSecret reports whether info is one of the files left out because of their content: the same file may have a
// second name (a hard link), or replace another file while packing.
func (l *Listing) holdsSecret(info fs.FileInfo) bool {
	for _, s := range l.secrets {
		if os.SameFile(s, info) {
			return true
		}
	}
	return false
}
