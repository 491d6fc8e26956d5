package gitignore

import "strings"

// kind is what one element of a glob stands for.
type kind byte

const (
	literalByte kind = iota // the byte itself
	anyByte                 // "?": one byte that is not a slash
	oneOf                   // "[...]": one byte of a set, never a slash
	star                    // "*": any bytes but slashes, also none
	folders                 // "**/": nothing, or anything that ends in a slash
	someFolders             // "**\/": anything that ends in a slash
	everything              // "**" at the end: any bytes
)

type element struct {
	kind kind
	char byte
	set  *byteSet
}

// glob is a compiled pattern. never is set for one that git calls malformed: it matches nothing.
type glob struct {
	elements []element
	never    bool
}

// compile reads a pattern. In a path pattern "**" between slashes spans folders; in a name there are none.
func compile(text string, path bool) glob {
	var g glob
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '\\':
			if i+1 == len(text) {
				return glob{never: true}
			}
			g.elements = append(g.elements, element{kind: literalByte, char: text[i+1]})
			i += 2
		case '?':
			g.elements = append(g.elements, element{kind: anyByte})
			i++
		case '[':
			set, size := compileSet(text[i:])
			if set == nil {
				return glob{never: true}
			}
			g.elements = append(g.elements, element{kind: oneOf, set: set})
			i += size
		case '*':
			e, size := compileStars(text, i, path)
			g.elements = append(g.elements, e)
			i += size
		default:
			g.elements = append(g.elements, element{kind: literalByte, char: c})
			i++
		}
	}
	return g
}

// compileStars reads the stars at text[i:] and the slash that belongs to them.
func compileStars(text string, i int, path bool) (e element, size int) {
	for size = 1; i+size < len(text) && text[i+size] == '*'; size++ {
	}
	after := text[i+size:]
	if size < 2 || !path || i > 0 && text[i-1] != '/' {
		return element{kind: star}, size
	}
	switch {
	case after == "":
		return element{kind: everything}, size
	case after[0] == '/':
		return element{kind: folders}, size + 1
	case strings.HasPrefix(after, `\/`):
		return element{kind: someFolders}, size + 2
	default:
		return element{kind: star}, size
	}
}

// match compares without recursion. On a mismatch the last star takes one byte more, and when that would cross a
// slash, the last "**/" takes one folder more. Earlier ones need no second try: whatever they could skip, the last
// one can skip too. So time grows with the length of the pattern times that of the path, for each folder at most.
func (g *glob) match(text string) bool {
	if g.never {
		return false
	}
	var (
		e, t                 = 0, 0  // next element, next byte
		starAt, starText     = -1, 0 // element after the last star, where that star ends now
		foldersAt, afterText = -1, 0 // the same for the last "**/"
	)
	for {
		if e == len(g.elements) {
			if t == len(text) {
				return true
			}
		} else {
			switch el := &g.elements[e]; el.kind {
			case everything: // the last element always
				return true
			case star:
				e++
				starAt, starText = e, t
				continue
			case folders:
				e++
				foldersAt, afterText, starAt = e, t, -1
				continue
			case someFolders:
				slash := strings.IndexByte(text[t:], '/')
				if slash < 0 {
					break
				}
				e++
				t += slash + 1
				foldersAt, afterText, starAt = e, t, -1
				continue
			default:
				if t < len(text) && el.matches(text[t]) {
					e++
					t++
					continue
				}
			}
		}
		switch {
		case starAt >= 0 && starText < len(text) && text[starText] != '/':
			starText++
			e, t = starAt, starText
		case foldersAt >= 0:
			slash := strings.IndexByte(text[afterText:], '/')
			if slash < 0 {
				return false
			}
			afterText += slash + 1
			e, t, starAt = foldersAt, afterText, -1
		default:
			return false
		}
	}
}

func (el *element) matches(c byte) bool {
	switch el.kind {
	case anyByte:
		return c != '/'
	case oneOf:
		return c != '/' && el.set.has(c)
	default:
		return c == el.char
	}
}
