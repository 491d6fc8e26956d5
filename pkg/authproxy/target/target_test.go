package target_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// FuzzTarget: what passes means the same path to the standard library, however often it is decoded, and has nothing
// in it that any server resolves.
func FuzzTarget(f *testing.F) {
	for _, address := range []string{"/", "/a/b?c=d", "/a%20b", "/caf%C3%A9", "/100%25", "/a/../b", "//a", "/%2e%2e/", "/a;b", "/a%2fb", "/a\\b", "/?/../x", "*", "http://x/", "/%e0%80%af", "/.%20/x", "/%"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		path, err := target.Parse(address)
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(address)
		if err != nil || u.Path != path || u.Host != "" {
			t.Fatalf("Parse(%q) = %q, the standard library reads %v, %v", address, path, u, err)
		}
		for reading := path; ; {
			if !strings.HasPrefix(reading, "/") || strings.HasPrefix(reading, "//") || strings.ContainsAny(reading, "\\;#\x00\r\n\t") {
				t.Fatalf("Parse(%q) = %q, which may be read as %q", address, path, reading)
			}
			for segment := range strings.SplitSeq(reading, "/") {
				if bare := strings.TrimRight(segment, " "); bare == "." || bare == ".." {
					t.Fatalf("Parse(%q) = %q has the segment %q", address, path, segment)
				}
			}
			again, err := url.PathUnescape(reading)
			if err != nil || again == reading {
				return
			}
			reading = again
		}
	})
}
