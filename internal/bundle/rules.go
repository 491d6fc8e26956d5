package bundle

import (
	"path"
	"slices"
	"strings"
)

// ignoreRule is one element of the config's ignore, read as the Python tool reads it. Without a slash at the end
// it is compared with the file, with one only with the file's folder; in both cases the element as it stands may be
// any one part of that path, or, as a path from the project's folder, the whole or the start of it.
type ignoreRule struct {
	text       string // as in the config
	name       string // without the slash at the end
	folderOnly bool
	path       string // name as a path: "." for the project's folder, "" where it can never match
}

func ignoreRules(elements []string) []ignoreRule {
	var rules []ignoreRule
	for _, text := range elements {
		if text == "" {
			continue
		}
		r := ignoreRule{text: text}
		r.name, r.folderOnly = strings.CutSuffix(text, "/")
		r.path = plainPath(r.name)
		rules = append(rules, r)
	}
	return rules
}

// plainPath drops empty and "." parts. An absolute path and one with ".." parts equal no path in the project.
func plainPath(text string) string {
	if strings.HasPrefix(text, "/") || slices.Contains(strings.Split(text, "/"), "..") {
		return ""
	}
	return path.Clean(text)
}

// matches compares the rule with a file or folder whose parents were compared before. name is its last part,
// whole its path; the project's own folder is "." twice.
func (r *ignoreRule) matches(name, whole string, folder bool) bool {
	if r.folderOnly && !folder {
		return false
	}
	return name != "." && r.name == name || r.path == whole
}

// builtInFolder and builtInFile are the built-in rules of the Python tool, with all that is in a folder
// .ipynb_checkpoints added to them, and the caches of tools. Case is ignored, as some file systems do.
func builtInFolder(name string) (Rule, bool) {
	switch name = strings.ToLower(name); name {
	case ".git", ".ipynb_checkpoints":
		return Rule{Kind: BuiltIn, Detail: name}, true
	case ".cache", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".pytype", ".pyre", ".hypothesis", ".tox", ".nox", ".eggs",
		".parcel-cache", ".sass-cache", ".turbo", ".vite", ".npm", ".terraform", ".rproj.user", ".history":
		return Rule{Kind: BuiltIn, Detail: "cache " + name}, true
	default:
		return Rule{}, false
	}
}

func builtInFile(name string) (Rule, bool) {
	switch lower := strings.ToLower(name); {
	case lower == ".git", lower == ".ipynb_checkpoints", lower == ".ds_store", lower == configName:
		return Rule{Kind: BuiltIn, Detail: name}, true
	case strings.HasSuffix(lower, ".pyc"):
		return Rule{Kind: BuiltIn, Detail: "*.pyc"}, true
	case strings.HasPrefix(lower, ".goutputstream-"), strings.HasPrefix(lower, ".fuse_hidden"), strings.HasPrefix(lower, ".nfs0"):
		return Rule{Kind: BuiltIn, Detail: "temporary file"}, true // of whatever file was being written
	case lower == ".eslintcache", lower == ".stylelintcache", lower == ".dmypy.json":
		return Rule{Kind: BuiltIn, Detail: "cache " + lower}, true
	default:
		return Rule{}, false
	}
}

const configName = "ploomber-cloud.json"

// ownFolder finds what this program leaves in a project when it is killed while it unpacks files.
func ownFolder(name string) (Rule, bool) {
	if isTemporary(name) {
		return Rule{Kind: Own, Detail: "temporary folder"}, true
	}
	return Rule{}, false
}

func isTemporary(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, ".ploomber-cloud-") && strings.HasSuffix(name, ".tmp")
}

// ownFile finds what this program and the Python tool leave in a project: temporary files of a killed run, and in
// the top folder the zip of an earlier upload, app-xxxxxxxx.zip with eight hexadecimal digits.
func ownFile(whole string) (Rule, bool) {
	name := strings.ToLower(path.Base(whole))
	if isTemporary(name) {
		return Rule{Kind: Own, Detail: "temporary file"}, true
	}
	digits, isZip := strings.CutSuffix(name, ".zip")
	digits, isApp := strings.CutPrefix(digits, "app-")
	if isZip && isApp && name == strings.ToLower(whole) && len(digits) == 8 && strings.Trim(digits, "0123456789abcdef") == "" {
		return Rule{Kind: Own, Detail: "zip of an earlier upload"}, true
	}
	return Rule{}, false
}
