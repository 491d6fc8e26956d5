package gitignore

import "strings"

// byteSet holds one bit for each byte.
type byteSet [4]uint64

func (s *byteSet) add(c byte)      { s[c/64] |= 1 << (c % 64) }
func (s *byteSet) has(c byte) bool { return s[c/64]&(1<<(c%64)) != 0 }

func (s *byteSet) addRange(from, to byte) {
	for c := int(from); c <= int(to); c++ {
		s.add(byte(c))
	}
}

// compileSet reads the bracket expression that text starts with and returns it with its length in bytes, or nil
// where git would give up on the pattern: no closing bracket, an unknown class.
func compileSet(text string) (set *byteSet, size int) {
	set = &byteSet{}
	at := func(i int) byte { // 0 beyond the end, as in a C string
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	i := 1
	negated := at(i) == '!' || at(i) == '^'
	if negated {
		i++
	}
	from := byte(0) // start of a range, should a "-" follow; 0 where none can
	for first := true; first || at(i) != ']'; first = false {
		switch c := at(i); {
		case c == 0:
			return nil, 0
		case c == '\\':
			i++
			if at(i) == 0 {
				return nil, 0
			}
			from = at(i)
			set.add(from)
			i++
		case c == '-' && from != 0 && at(i+1) != 0 && at(i+1) != ']':
			i++
			if at(i) == '\\' {
				i++
				if at(i) == 0 {
					return nil, 0
				}
			}
			set.addRange(from, at(i))
			from = 0
			i++
		case c == '[' && at(i+1) == ':':
			end := strings.IndexByte(text[i+2:], ']')
			if end < 0 {
				return nil, 0
			}
			name, isClass := strings.CutSuffix(text[i+2:i+2+end], ":")
			if !isClass { // no ":]": an ordinary bracket
				set.add('[')
				from = '['
				i++
				continue
			}
			if !set.addClass(name) {
				return nil, 0
			}
			from = 0
			i += 2 + end + 1
		default:
			set.add(c)
			from = c
			i++
		}
	}
	if negated {
		for w := range set {
			set[w] = ^set[w]
		}
	}
	return set, i + 1
}

// addClass adds a POSIX class as git knows it: ASCII only, and a form feed does not count as space.
func (s *byteSet) addClass(name string) bool {
	switch name {
	case "digit":
		s.addRange('0', '9')
	case "lower":
		s.addRange('a', 'z')
	case "upper":
		s.addRange('A', 'Z')
	case "alpha":
		s.addRange('a', 'z')
		s.addRange('A', 'Z')
	case "alnum":
		s.addRange('a', 'z')
		s.addRange('A', 'Z')
		s.addRange('0', '9')
	case "xdigit":
		s.addRange('0', '9')
		s.addRange('a', 'f')
		s.addRange('A', 'F')
	case "blank":
		s.add(' ')
		s.add('\t')
	case "space":
		for _, c := range []byte(" \t\n\r") {
			s.add(c)
		}
	case "cntrl":
		s.addRange(0, 0x1f)
		s.add(0x7f)
	case "print":
		s.addRange(' ', '~')
	case "graph":
		s.addRange('!', '~')
	case "punct":
		s.addRange('!', '/')
		s.addRange(':', '@')
		s.addRange('[', '`')
		s.addRange('{', '~')
	default:
		return false
	}
	return true
}
