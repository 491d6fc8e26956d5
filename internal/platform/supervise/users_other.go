//go:build !linux

package supervise

import "errors"

// Users and firewall rules of apps are set up on Linux only.
type (
	users    struct{}
	firewall struct{}
)

var errLinuxOnly = errors.New("not available on this operating system")

func newUsers(string) (*users, error)       { return nil, errLinuxOnly }
func (*users) of(string) (int, error)       { return 0, errLinuxOnly }
func (*users) letThrough(string) error      { return errLinuxOnly }
func ownerOf(string) int                    { return 0 }
func give(string, int) error                { return errLinuxOnly }
func canRead(int, ...string) error          { return errLinuxOnly }
func newFirewall(string) (*firewall, error) { return nil, errLinuxOnly }
func (*firewall) protect(int, int) error    { return errLinuxOnly }
func (*firewall) release(int)               {}
func (*firewall) remove()                   {}
