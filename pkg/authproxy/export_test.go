package authproxy

import "github.com/ploomber/ploomber-cloud/pkg/authproxy/session"

// LocalTarget is localTarget, for fuzzing from outside.
func LocalTarget(target string) string { return localTarget(target) }

// Admits applies access rules, for comparing them with what they say.
func Admits(a Access, l *session.Login) bool {
	adm := newAdmission(a)
	return adm.admits(l)
}
