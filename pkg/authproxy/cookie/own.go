package cookie

import (
	"net/http"
	"slices"
	"strings"
)

// Remove removes our cookies from a request. The app's own stay byte for byte: net/http would drop those with a value that it
// takes for invalid, such as JSON.
func Remove(request http.Header) {
	lines := request["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if !strings.Contains(line, Prefix) {
			kept = append(kept, line)
			continue
		}
		var others strings.Builder
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			if name, _, _ := strings.Cut(pair, "="); pair == "" || IsOwn(name) {
				continue
			}
			if others.Len() == 0 {
				others.Grow(len(line))
			} else {
				others.WriteString("; ")
			}
			others.WriteString(pair)
		}
		if others.Len() > 0 {
			kept = append(kept, others.String())
		}
	}
	if len(kept) == 0 {
		delete(request, "Cookie")
		return
	}
	request["Cookie"] = kept
}

// RemoveSet keeps the app from setting cookies with our names. A cookie without a name is sent back as its value alone,
// which may look like one with a name.
func RemoveSet(response http.Header) {
	if values, ok := response["Set-Cookie"]; ok {
		response["Set-Cookie"] = slices.DeleteFunc(values, func(value string) bool {
			name, _, _ := strings.Cut(strings.TrimLeft(value, "= \t"), "=")
			return IsOwn(name)
		})
	}
}

// IsOwn reports whether a cookie is one of ours, or of another proxy with whatever suffix: the app gets none of them.
func IsOwn(name string) bool {
	name = strings.TrimSpace(name)
	name = strings.TrimPrefix(strings.TrimPrefix(name, hostPrefix), securePrefix)
	for _, kind := range kinds() {
		if rest, ok := strings.CutPrefix(name, string(kind)); ok && (rest == "" || rest[0] == '_') {
			return true
		}
	}
	return false
}
