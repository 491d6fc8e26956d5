package supervise

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Isolation is what this machine can do to keep apps from harming each other and the platform. Its methods are safe for
// concurrent use.
type Isolation struct {
	groups   groups
	users    *users    // nil for none
	firewall *firewall // nil for none

	noUsers, noFirewall error // why not
}

// NewIsolation finds out what is possible. name is that of this platform alone: its control groups and its firewall table
// contain it, and what an earlier run has left there is taken over. dir is the folder in which everything is that apps are
// given; other users get permission to pass through it, but not to list it, if apps have users of their own.
func NewIsolation(name, dir string) *Isolation {
	name = "ploomber-cloud-" + name
	i := &Isolation{groups: findGroups(name)}
	if i.users, i.noUsers = newUsers(dir); i.noUsers != nil {
		i.users, i.noFirewall = nil, i.noUsers
		return i
	}
	if i.firewall, i.noFirewall = newFirewall(name); i.noFirewall != nil {
		i.firewall = nil
	}
	return i
}

// Close removes what is not in use: control groups without processes, and the firewall table if no app runs.
func (i *Isolation) Close() {
	i.groups.remove()
	if i.firewall != nil {
		i.firewall.remove()
	}
}

// Measure is a way to keep apps from harming others.
type Measure struct {
	Name    string // such as "memory limit"
	InForce bool
	Detail  string // how it is enforced, or why it is not
}

// Level returns all measures, in force or not.
func (i *Isolation) Level() []Measure {
	var all []Measure
	for _, l := range []struct{ controller, name string }{
		{"memory", "memory limit"}, {"cpu", "CPU limit"}, {"pids", "process limit"},
	} {
		m := Measure{Name: l.name, Detail: "control groups of this machine cannot be used"}
		if runtime.GOOS != "linux" {
			m.Detail = "not available on this operating system"
		}
		if how := i.groups.version(l.controller); how != 0 {
			m.InForce, m.Detail = true, fmt.Sprintf("control group (version %d)", how)
		}
		all = append(all, m)
	}
	return append(all,
		measure("users", "each project has a user of its own, so that no app reads the files or variables of another", i.noUsers),
		measure("ports", "only the platform connects to the ports of apps", i.noFirewall))
}

func measure(name, detail string, missing error) Measure {
	if missing != nil {
		return Measure{Name: name, Detail: missing.Error()}
	}
	return Measure{Name: name, InForce: true, Detail: detail}
}

// confinement is what holds for one app.
type confinement struct {
	group             group // its control group; nil for none
	user              int   // 0 for that of the platform
	nice              bool  // others get CPU time first
	mayGainPrivileges bool  // by programs such as sudo
	port              int   // that the firewall protects; 0 for none
	firewall          *firewall
}

// release gives back what was prepared for an app that has ended.
func (c confinement) release() {
	c.group.remove()
	if c.port != 0 {
		c.firewall.release(c.port)
	}
}

// confine prepares the confinement of an app that is to be started on a port.
func (s InstanceSpec) confine(run string, c platform.Command, port int) (confinement, error) {
	i := s.Isolation
	if s.Recipe.Runtime == platform.Container { // its processes are not ours, and the client may need what the app must not have
		return confinement{mayGainPrivileges: true}, nil
	}
	if i == nil {
		return confinement{}, nil
	}
	confined := confinement{nice: i.groups.version("cpu") == 0}
	var err error
	if i.users != nil && s.Data != "" {
		if confined.user, err = s.giveToUser(c.Path); err != nil {
			return confinement{}, err
		}
	}
	if i.firewall != nil && confined.user != 0 {
		if err := i.firewall.protect(port, confined.user); err != nil {
			return confinement{}, err
		}
		confined.firewall, confined.port = i.firewall, port
	}
	if confined.group, err = i.groups.create(run, s.Limits); err != nil {
		confined.release()
		return confinement{}, err
	}
	return confined, nil
}

// giveToUser returns the user for an app, who gets its folders; 0 if that user could not read what the app needs.
func (s InstanceSpec) giveToUser(program string) (int, error) {
	u := s.Isolation.users
	needed := []string{s.Dir, program}
	if python, ok := platform.Executable(filepath.Join(s.Environment.Bin, "python")); ok && s.Environment.Bin != "" {
		needed = append(needed, python)
	}
	for _, path := range append(needed, filepath.Join(s.Home, "home"), s.Data) {
		if err := u.letThrough(path); err != nil {
			return 0, err
		}
	}
	user, err := u.of(s.Data)
	if err != nil {
		return 0, err
	}
	for _, dir := range []string{s.Dir, s.home(), s.tmp(), s.root()} {
		if ownerOf(dir) == user {
			continue
		}
		if err := give(dir, user); err != nil {
			return 0, err
		}
	}
	if err := canRead(user, needed...); err != nil {
		s.warn("the app runs as the platform's user, because one of its own could not read what it needs: " + strings.ReplaceAll(err.Error(), "\n", "; "))
		return 0, nil
	}
	return user, nil
}

func (s InstanceSpec) warn(message string) {
	if s.Notify != nil {
		s.Notify(platform.Event{Phase: platform.Noticed, Message: message, Warning: true})
	}
}
