// Package tier is the table of what each tier of the platform allows, and functions to query it. It makes no
// requests.
package tier

import (
	"fmt"
	"slices"
	"strings"
)

// Permission is a feature that some tiers have, as the platform names it.
type Permission string

// The permissions that commands ask for.
const (
	Authentication      Permission = "authentication"
	ViewAnalyticsReport Permission = "viewAnalyticsReport"
	Secrets             Permission = "secrets"
	SelectCPU           Permission = "selectNumberOfCPUs"
	SelectRAM           Permission = "selectRAM"
	SelectGPU           Permission = "selectNumberOfGPUs"
	CustomDomain        Permission = "customDomain"
	SetProjectName      Permission = "setProjectName"
)

// MB is the unit of the size limits: 10^6 bytes.
const MB = 1_000_000

// Tier is one plan of the platform.
type Tier struct {
	Name        string
	Projects    int   // at most; 0 is unlimited
	MaxArchive  int64 // bytes of the zipped app
	permissions []Permission
	paid        bool // may buy resources beyond the free ones
}

// All returns the tiers, the smallest first.
func All() []Tier {
	pro := []Permission{Authentication, Secrets, SelectCPU, SelectRAM, SelectGPU, CustomDomain, SetProjectName}
	return []Tier{
		{Name: "community", Projects: 2, MaxArchive: 50 * MB, permissions: []Permission{Secrets}},
		{Name: "pro", MaxArchive: 200 * MB, permissions: pro, paid: true},
		{Name: "teams", MaxArchive: 500 * MB, permissions: append(slices.Clone(pro), ViewAnalyticsReport), paid: true},
	}
}

// Named returns the tier with the platform's name for it. For an unknown tier it returns the smallest, and ok is
// false.
func Named(name string) (t Tier, ok bool) {
	for _, t := range All() {
		if t.Name == name {
			return t, true
		}
	}
	t = All()[0]
	t.Name = name
	return t, false
}

// Allows reports whether t has p.
func (t Tier) Allows(p Permission) bool { return slices.Contains(t.permissions, p) }

// With returns the names of the tiers that have p, the smallest first.
func With(p Permission) []string {
	var names []string
	for _, t := range All() {
		if t.Allows(p) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Refusal is the error for a permission that a tier does not have.
type Refusal struct {
	Tier       string
	Permission Permission
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("not allowed: the %s tier does not have the feature %s; tiers that have it: %s",
		r.Tier, r.Permission, strings.Join(With(r.Permission), ", "))
}

// Require returns nil if t has every permission, otherwise a *Refusal for the first one it lacks.
func (t Tier) Require(permissions ...Permission) error {
	for _, p := range permissions {
		if !t.Allows(p) {
			return &Refusal{Tier: t.Name, Permission: p}
		}
	}
	return nil
}

// Limits lists the largest archive of every tier, for messages.
func Limits() string {
	var out []string
	for _, t := range All() {
		out = append(out, fmt.Sprintf("%s %d MB", t.Name, t.MaxArchive/MB))
	}
	return strings.Join(out, ", ")
}
