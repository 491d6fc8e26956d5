package oidc

import (
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// FuzzClaims: whatever a genuine token says, the person in it can be shown, compared and put into a header.
func FuzzClaims(f *testing.F) {
	for _, payload := range []string{`{"sub":"7","email":"ann@example.com","email_verified":true}`, `{"sub":"7","email":"a@b@c"}`, `{"sub":7}`, `{"sub":"a\r\nb"}`, `[]`, `null`, `{"sub":"7","email":["a@b"]}`,
		`{"sub":"7","Email":"a@b.example"}`, `{"sub":"7","groups":["a","b\u0000"],"sid":"s"}`, `{"sub":"7","sub":"8"}`, `{"sub":"\ud800"}`, `{"exp":1e400}`} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := parseClaims(payload)
		if err != nil {
			return
		}
		p, err := userOf(c, "https://issuer.example")
		if err != nil {
			return
		}
		if p.Subject == "" || len(p.Subject) > 255 || !identity.Clean(p.Subject) || !identity.Clean(p.SessionID) {
			t.Fatalf("%q: subject %q, session %q", payload, p.Subject, p.SessionID)
		}
		if p.Email != "" && (strings.Count(p.Email, "@") != 1 || strings.HasPrefix(p.Email, "@") || strings.HasSuffix(p.Email, "@") || !identity.Clean(p.Email) || strings.ContainsAny(p.Email, " \"\\<>()[],;:")) {
			t.Fatalf("%q: e-mail %q", payload, p.Email)
		}
		if p.EmailVerified && p.Email == "" {
			t.Fatalf("%q: no e-mail is verified", payload)
		}
		for _, name := range []string{"groups", "roles", "aud"} {
			for _, s := range slices.Concat(p.Strings(name), p.Values(name)) {
				if !identity.Clean(s) {
					t.Fatalf("%q: %s has %q", payload, name, s)
				}
			}
		}
	})
}
