package supervise

import (
	"fmt"
	"runtime"
)

// Isolation is what this machine can do to keep apps from harming each other and the platform.
type Isolation struct {
	groups groups
}

// NewIsolation finds out what is possible. Control groups are created below one of the given name, which is that of this
// platform alone: those that apps of an earlier run have left are removed.
func NewIsolation(name string) *Isolation {
	return &Isolation{groups: findGroups("ploomber-cloud-" + name)}
}

// Close removes the control groups in which no app runs.
func (i *Isolation) Close() { i.groups.remove() }

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
	return all
}

// confinement is what holds for one app.
type confinement struct {
	group             group // its control group; nil for none
	nice              bool  // others get CPU time first
	mayGainPrivileges bool  // by programs such as sudo
}

// confine prepares the confinement of an app. The client of a container runtime may need other privileges than its user's.
func (i *Isolation) confine(name string, l Limits, client bool) (confinement, error) {
	c := confinement{mayGainPrivileges: client}
	if i == nil || client { // whose container is not below it
		return c, nil
	}
	var err error
	c.group, err = i.groups.create(name, l)
	c.nice = i.groups.version("cpu") == 0
	return c, err
}
