//go:build !linux

package supervise

// Control groups are a feature of Linux.
type (
	groups struct{}
	group  []string
)

func findGroups(string) groups                      { return groups{} }
func (groups) version(string) int                   { return 0 }
func (groups) create(string, Limits) (group, error) { return nil, nil }
func (groups) remove()                              {}
func (group) limitCPU(float64)                      {}
func (group) outOfMemory() bool                     { return false }
func (group) processes() map[int]bool               { return nil }
func (group) remove()                               {}
