package build

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"Looking in https://ann:s3cret@host.example/simple":    "Looking in https://***@host.example/simple",
		"git+ssh://git@host.example/a, http://t0ken@b.example": "git+ssh://***@host.example/a, http://***@b.example",
		"https://a:p@ss@host.example":                          "https://***@host.example",
		"https://host.example/a@b":                             "https://host.example/a@b",
		"flask @ https://host.example/":                        "flask @ https://host.example/",
		"no address":                                           "no address",
		"://":                                                  "://",
	} {
		if got := redact(line); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("x https://", "user:pass")
	f.Fuzz(func(t *testing.T, before, secret string) {
		if secret == "" || secret == "***" || strings.ContainsAny(secret, "/?# \t\"'<>@") {
			return // the authority of an address ends at these
		}
		if got := redact(before + "://" + secret + "@host.example/"); strings.HasSuffix(got, "://"+secret+"@host.example/") {
			t.Errorf("%q still holds %q", got, secret)
		}
	})
}
