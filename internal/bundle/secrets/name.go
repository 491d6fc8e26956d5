package secrets

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// name is a file's name in lower case, and what is left of it without the marks of a copy.
type name struct {
	text string
	// core has no marks at either end, nor before its extension, and no dot in front: "env" of ".env", ".#.env"
	// and "copy_.env", "secrets.toml" of "secrets (1).toml".
	core   string
	copied bool // there were marks
}

func newName(text string) name {
	n := name{text: text}
	n.core, n.copied = core(text)
	return n
}

// is reports whether the name is the listed one or a copy of it.
func (n name) is(listed string) bool {
	bare := strings.TrimLeft(listed, "._")
	return n.text == listed || n.core == bare && (n.copied || strings.HasPrefix(n.text, listed[:len(listed)-len(bare)]))
}

// cores returns the names that this one may be a copy of: none where it bears no mark of a copy.
func (n name) cores() []string {
	var list []string
	if n.copied {
		list = append(list, n.core)
	}
	// "credentials2.json", "credentialscopy.json"
	ext := path.Ext(n.core)
	stem := strings.TrimSuffix(n.core, ext)
	if less := strings.TrimRight(stem, "0123456789"); less != stem && less != "" {
		list = append(list, less+ext)
	}
	for _, word := range []string{"copy", "bak", "old", "backup", "orig"} {
		if less, ok := strings.CutSuffix(stem, word); ok && less != "" {
			list = append(list, less+ext)
		}
		if less, ok := strings.CutSuffix(n.core, word); ok && less != "" {
			list = append(list, less)
		}
	}
	return list
}

// contains reports whether the listed name stands in this one, whatever is put before or behind it.
func (n name) contains(listed string) bool {
	for from := 0; ; {
		at := strings.Index(n.text[from:], listed)
		if at < 0 {
			return false
		}
		i, j := from+at, from+at+len(listed)
		if (i == 0 || boundary(n.text, i)) && (j == len(n.text) || boundary(n.text, j)) && !isPublic(n.text[:i], n.text[j:]) {
			return true
		}
		from = j
	}
}

// variant reports whether the name is the listed one with something before its extension, as "secrets_prod (1).toml"
// for "secrets.toml".
func (n name) variant(listed string) bool {
	ext := path.Ext(listed)
	stem, isType := strings.CutSuffix(n.core, ext)
	if ext == "" || !isType {
		return false
	}
	want := strings.TrimSuffix(listed, ext)
	for from := 0; ; {
		at := strings.Index(stem[from:], want)
		if at < 0 {
			return false
		}
		i, j := from+at, from+at+len(want)
		if (i == 0 || boundary(stem, i)) && !isSampleName(stem[:i]) && !startsAsSample(stem[:i]) && !isSample(stem[j:]) {
			return true
		}
		from = j
	}
}

// core removes what marks a copy from a name.
func core(text string) (rest string, copied bool) {
	rest = trimMarks(text)
	ext := path.Ext(rest)
	stem := strings.TrimSuffix(rest, ext)
	if at := strings.Index(stem, ".sync-conflict-"); at > 0 { // Syncthing; what follows names a device
		stem = stem[:at]
	}
	if at := strings.LastIndexByte(stem, '('); at > 0 && strings.HasSuffix(stem, ")") {
		stem = stem[:at] // "(1)", "(Ana's conflicted copy 2026-05-01)"
	}
	if stem != "" {
		rest = trimMarks(stem) + ext
	}
	return rest, rest != strings.TrimLeft(text, "._") || strings.HasPrefix(text, "..")
}

// trimMarks removes words of copies at both ends, and what is neither letter nor digit there. One word stays.
func trimMarks(text string) string {
	type span struct{ from, to int }
	var list []span
	from := -1
	for i, r := range text {
		switch isWord := unicode.IsLetter(r) || unicode.IsDigit(r); {
		case isWord && from < 0:
			from = i
		case !isWord && from >= 0:
			list = append(list, span{from, i})
			from = -1
		}
	}
	if from >= 0 {
		list = append(list, span{from, len(text)})
	}
	for len(list) > 1 {
		last := list[len(list)-1]
		if word := text[last.from:last.to]; !isMark(word) && !isSwap(text[:last.from], word) {
			break
		}
		list = list[:len(list)-1]
	}
	for len(list) > 1 && isMark(text[list[0].from:list[0].to]) {
		list = list[1:]
	}
	if len(list) == 0 {
		return text
	}
	return text[list[0].from:list[len(list)-1].to]
}

// isSwap finds the extensions of swap files: Vim counts down from .swp, first in the last letter.
func isSwap(before, word string) bool {
	if word == "swp" || word == "swx" {
		return true
	}
	return strings.HasSuffix(before, ".") && len(word) == 3 && word[0] == 's' && word[1] >= 'a' && word[1] <= 'w'
}

// isMark finds words of copies, counts, dates and revisions.
func isMark(word string) bool {
	if isLeftoverWord(strings.TrimRight(word, "0123456789")) {
		return true
	}
	digits := 0
	for _, r := range word {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	switch len(word) - digits {
	case 0:
		return digits > 0
	case 1: // "20260501t101112", "r123"
		return digits > 0 && strings.ContainsAny(word, "rvtz")
	}
	return false
}

// isDecoration reports whether text has nothing but words of copies in it.
func isDecoration(text string) bool {
	for _, word := range words(text) {
		if !isMark(word) {
			return false
		}
	}
	return true
}

func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// isSample reports whether what stands behind the name of a secret file makes it a sample to be shared. One that
// ends in "local" is what someone made of it.
func isSample(behind string) bool {
	if w := words(behind); len(w) > 0 && w[len(w)-1] == "local" {
		return false
	}
	w := words(trimMarks(strings.TrimSuffix(behind, ".txt")))
	return len(w) > 0 && isSampleWord(w[len(w)-1])
}

// startsAsSample reports whether what stands before the name of a secret file makes it a sample.
func startsAsSample(before string) bool {
	w := words(before)
	return len(w) > 0 && isSampleName(w[0])
}

// isSampleName reports whether the last word makes a sample of what follows: "default.env" is none.
func isSampleName(before string) bool {
	w := words(before)
	if len(w) == 0 {
		return false
	}
	switch w[len(w)-1] {
	case "example", "examples", "sample", "samples", "template", "templates", "tmpl", "tpl", "skeleton", "dummy", "placeholder":
		return true
	}
	return false
}

// isPublic reports whether what stands around the name of a secret file makes it another kind of file: a sample, a
// public key, code, a document.
func isPublic(before, behind string) bool {
	if isSample(behind) || startsAsSample(before) {
		return true
	}
	if w := words(trimMarks(behind)); len(w) > 0 && w[0] == "pub" {
		return true
	}
	ext := path.Ext(behind)
	return isOtherType(ext) || isStructured(ext) && isSample(strings.TrimSuffix(behind, ext))
}

// boundary reports whether a word ends or begins before text[i]: letters are not on both sides.
func boundary(text string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i:])
	return !unicode.IsLetter(before) || !unicode.IsLetter(after)
}

// isBoundary reports whether a name may end before text.
func isBoundary(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return text == "" || !unicode.IsLetter(r)
}
