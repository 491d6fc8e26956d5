package secrets

import (
	"bytes"
	"encoding/base64"
)

// overlap is how many bytes on either side of the end of a block are searched once more, so that a key is found
// across it: enough for the lines in front of a key and the start of its content.
const overlap = 4 << 10

// Scanner searches files for private keys while they are read for another purpose. The zero value is ready.
// It is for one goroutine.
//
// Every block is searched for PEM keys, in one pass that costs a hundredth of compressing it. Other forms of keys,
// which are small files or small parts of settings, are looked for in the first block alone.
type Scanner struct {
	check []Check
	size  int64
	tail  []byte // the end of the block before
	first bool
}

// Start begins a file of size bytes; paths are those under which it is known.
func (s *Scanner) Start(size int64, paths ...string) {
	*s = Scanner{check: s.check[:0], tail: s.tail[:0], size: size, first: true}
	for i, path := range paths {
		if i > 0 && path == paths[0] {
			continue
		}
		if look := Suspicious(path, size); look != nil {
			s.check = append(s.check, look)
		}
	}
}

// Next searches the next block of the file and returns what was found, the zero Finding for nothing.
func (s *Scanner) Next(block []byte) Finding {
	if s.first {
		s.first = false
		if f := s.start(block); f.Detail != "" {
			return f
		}
	}
	if len(s.tail) > 0 {
		s.tail = append(s.tail, block[:min(len(block), overlap)]...)
		if anyPEMKey(s.tail) {
			return Finding{Detail: privateKeys}
		}
	}
	s.tail = append(s.tail[:0], block[max(0, len(block)-overlap):]...)
	if anyPEMKey(block) {
		return Finding{Detail: privateKeys}
	}
	return Finding{}
}

func (s *Scanner) start(block []byte) Finding {
	for _, look := range s.check {
		if f := look(block[:min(len(block), LookLimit)]); f.Detail != "" {
			return f
		}
	}
	if int64(len(block)) == s.size {
		if detail := keyStore(block); detail != "" {
			return Finding{Detail: detail}
		}
	}
	for _, find := range []func([]byte) bool{encodedKey, jsonKey, puttyKey, ageKey, wireGuardKey, signKey} {
		if find(block) {
			return Finding{Detail: privateKeys}
		}
	}
	return Finding{}
}

// anyPEMKey is pemKey for text in UTF-16 and UTF-32 too, as PowerShell's ">" writes it, with or without a byte order mark:
// what PEM is made of has NULs between its bytes there.
func anyPEMKey(content []byte) bool {
	if pemKey(content) {
		return true
	}
	if bytes.IndexByte(content, 0) < 0 { // most text, and much faster than the next
		return false
	}
	if !bytes.Contains(content, []byte("P\x00R\x00I\x00V\x00A\x00T\x00E")) && !bytes.Contains(content, []byte("P\x00\x00\x00R\x00\x00\x00I\x00\x00\x00V")) {
		return false
	}
	return pemKey(bytes.ReplaceAll(content, []byte{0}, nil))
}

// pemKey finds keys between lines as RFC 7468 and OpenPGP have them, with something between them that can be one:
// documents and programs name the lines without a key.
func pemKey(content []byte) bool {
	marker := []byte("PRIVATE KEY")
	for from := 0; ; {
		at := bytes.Index(content[from:], marker)
		if at < 0 {
			return false
		}
		at += from
		from = at + len(marker)
		if !beginsKey(content[:at]) {
			continue
		}
		rest := bytes.TrimPrefix(content[from:], []byte(" BLOCK"))
		rest = bytes.TrimPrefix(rest, []byte(" ")) // ssh.com: "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
		if !bytes.HasPrefix(rest, []byte("----")) {
			continue
		}
		rest = bytes.TrimLeft(rest, "-")
		if keyMaterial(rest) || namedKey(content[:at]) && !isPlaceholder(rest) {
			return true
		}
	}
}

// beginsKey reports whether before ends in "-----BEGIN " and the rest of a label.
func beginsKey(before []byte) bool {
	line := before[max(0, len(before)-48):]
	at := bytes.LastIndex(line, []byte("BEGIN "))
	if at < 0 || !bytes.HasSuffix(bytes.TrimRight(line[:at], " "), []byte("----")) {
		return false
	}
	for _, c := range line[at:] {
		if c != ' ' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// namedKey reports whether before ends in what introduces a Google service account's key, in JSON, TOML or YAML.
func namedKey(before []byte) bool {
	line := before[max(0, len(before)-64):]
	at := bytes.LastIndex(line, []byte("private_key"))
	dashes := bytes.Index(line[max(0, at):], []byte("-----"))
	return at >= 0 && dashes >= 0 && len(bytes.Trim(line[at+len("private_key"):at+dashes], " \t\"'\\:=|>\r\n")) == 0
}

// isPlaceholder reports whether the text behind a key's first line stands for a key: nothing, dots, a variable.
func isPlaceholder(text []byte) bool {
	if end := bytes.IndexAny(text, "\"'"); end >= 0 {
		text = text[:end]
	}
	text, _, _ = bytes.Cut(text[:min(len(text), overlap)], []byte("----"))
	text = bytes.ReplaceAll(text, []byte(`\n`), nil)
	text = bytes.TrimSpace(bytes.ReplaceAll(text, []byte(`\`), nil))
	for _, word := range []string{"..", "…", "<", "{", "$", "%", "*", "xxx", "your", "replace", "example", "placeholder"} {
		if bytes.Contains(bytes.ToLower(text), []byte(word)) {
			return true
		}
	}
	return len(text) == 0
}

// keyMaterial reports whether text begins with the base64 of a key, in lines, in a string with escaped line ends, or in
// the lines of a program. Placeholders are shorter, in words, or end in dots.
func keyMaterial(text []byte) bool {
	const (
		fragment = 120 // characters that are a key even where its end is missing
		line     = 40  // in a row; the shortest keys have 64, words have fewer
		variety  = 12  // different characters of base64
		fake     = 12  // in all, where they begin as keys do
	)
	text = text[:min(len(text), overlap)]
	var total, row, longest int
	var seen [256]bool
	distinct := 0
	start := make([]byte, 0, 4)
	ended := false
loop:
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			row = 0
			for i+1 < len(text) && text[i+1] == '\\' {
				i++
			}
			switch {
			case bytes.HasPrefix(text[i+1:], []byte("u000")):
				i += 5
			case i+1 < len(text) && bytes.IndexByte([]byte("nrt"), text[i+1]) >= 0:
				i++
			}
		case isBase64(c):
			total++
			row++
			longest = max(longest, row)
			if !seen[c] {
				seen[c] = true
				distinct++
			}
			if len(start) < cap(start) {
				start = append(start, c)
			}
			if total >= fragment && longest >= line && distinct >= variety {
				return true
			}
		case c == ':' && total < line && bytes.HasPrefix(text[i:], []byte(": ")): // "Proc-Type: 4,ENCRYPTED"
			i += afterLine(text[i:]) - 1
			total, row, longest, distinct, seen, start = 0, 0, 0, 0, [256]bool{}, start[:0]
		case bytes.HasPrefix(text[i:], []byte("----")):
			ended = true
			break loop
		case c == '-' && total < line: // may be in the name of a header
			row = 0
		case bytes.IndexByte([]byte(" \t\r\n\"'`,;#>|*"), c) >= 0:
			row = 0
		default:
			break loop
		}
	}
	if !ended {
		return false
	}
	return longest >= line && distinct >= variety || total >= fake && longest >= fake && beginsAsKey(string(start))
}

// afterLine returns how many bytes there are up to the end of a line, in a text or in a string with escapes.
func afterLine(text []byte) int {
	for i, c := range text {
		if c == '\n' || c == '\\' && bytes.HasPrefix(bytes.TrimLeft(text[i:], "\\"), []byte("n")) {
			return i
		}
	}
	return len(text)
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '='
}

// beginsAsKey compares the first characters with those of an ASN.1 sequence, of "openssh-key-v1", and of an OpenPGP
// packet with a secret key.
func beginsAsKey(start string) bool {
	raw, err := base64.StdEncoding.DecodeString(start)
	if err != nil || len(raw) < 3 {
		return false
	}
	return raw[0] == 0x30 || string(raw) == "ope" || raw[0]&0xfc == 0x94 || raw[0] == 0xc5
}

// encodedKey finds PEM that is encoded in base64 once more, as Kubernetes keeps it.
func encodedKey(content []byte) bool {
	marker := []byte("LS0tLS1CRUdJTi") // "-----BEGIN"
	for {
		at := bytes.Index(content, marker)
		if at < 0 {
			return false
		}
		content = content[at:]
		end := 0
		for end < len(content) && end < overlap && isBase64(content[end]) {
			end++
		}
		plain := make([]byte, base64.StdEncoding.DecodedLen(end))
		n, _ := base64.StdEncoding.Decode(plain, content[:end&^3]) // as far as it goes
		if pemKey(plain[:n]) {
			return true
		}
		content = content[end:]
	}
}

// jsonKey finds private keys as JSON (RFC 7517, 7518): an object with "kty" and the private part "d", or the symmetric
// key "k".
func jsonKey(content []byte) bool {
	const object = 16 << 10 // bytes on either side that may belong to the object
	marker := []byte(`"kty`)
	for from := 0; ; {
		at := bytes.Index(content[from:], marker)
		if at < 0 {
			return false
		}
		at += from
		from = at + len(marker)
		before, after := content[max(0, at-object):at], content[at:min(len(content), at+object)]
		before = before[bytes.LastIndexByte(before, '{')+1:]
		if end := bytes.IndexByte(after, '}'); end >= 0 {
			after = after[:end]
		}
		for _, part := range [][]byte{before, after} {
			if hasValue(part, "d") || hasValue(part, "k") && bytes.Contains(after, []byte("oct")) {
				return true
			}
		}
	}
}

// hasValue reports whether a member of a JSON object, which may be inside a string of JSON, has a long base64url value.
func hasValue(object []byte, name string) bool {
	for rest := object; ; {
		at := bytes.Index(rest, []byte(`"`+name))
		if at < 0 {
			return false
		}
		rest = rest[at+1+len(name):]
		value, ok := bytes.CutPrefix(bytes.TrimPrefix(rest, []byte(`\`)), []byte(`"`))
		if !ok {
			continue
		}
		if value, ok = bytes.CutPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte(":")); !ok {
			continue
		}
		value = bytes.TrimPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte(`\`))
		value, ok = bytes.CutPrefix(value, []byte(`"`))
		n := 0
		for n < len(value) && (isBase64(value[n]) || value[n] == '-' || value[n] == '_') {
			n++
		}
		if ok && n >= 20 {
			return true
		}
	}
}

// puttyKey finds keys of PuTTY under another name than *.ppk.
func puttyKey(content []byte) bool {
	_, rest, ok := bytes.Cut(content, []byte("PuTTY-User-Key-File-"))
	if !ok {
		return false
	}
	_, rest, ok = bytes.Cut(rest, []byte("Private-Lines: "))
	_, rest, _ = bytes.Cut(rest, []byte("\n"))
	n := 0
	for n < len(rest) && isBase64(rest[n]) {
		n++
	}
	return ok && n >= 8
}

// ageKey finds identities of age, the encryption tool.
func ageKey(content []byte) bool {
	for {
		_, rest, ok := bytes.Cut(content, []byte("AGE-SECRET-KEY-1"))
		if !ok {
			return false
		}
		n := 0
		for n < len(rest) && (rest[n] >= 'A' && rest[n] <= 'Z' || rest[n] >= '0' && rest[n] <= '9') {
			n++
		}
		if n >= 40 {
			return true
		}
		content = rest
	}
}

// wireGuardKey finds the key of an interface or a peer.
func wireGuardKey(content []byte) bool {
	const length = 44 // 32 bytes in base64
	for {
		_, rest, ok := bytes.Cut(content, []byte("PrivateKey"))
		if !ok {
			return false
		}
		content = rest
		value, ok := bytes.CutPrefix(bytes.TrimLeft(rest, " \t"), []byte("="))
		value = bytes.TrimLeft(value, " \t")
		n := 0
		for n < len(value) && isBase64(value[n]) {
			n++
		}
		if ok && n == length && value[n-1] == '=' {
			return true
		}
	}
}

// signKey finds keys of minisign and signify.
func signKey(content []byte) bool {
	line, _, _ := bytes.Cut(content[:min(len(content), 200)], []byte("\n"))
	return bytes.HasPrefix(line, []byte("untrusted comment:")) && bytes.Contains(line, []byte("secret key"))
}
