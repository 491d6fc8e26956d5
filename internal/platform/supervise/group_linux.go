package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// groups are the control groups below which each app gets one of its own, see cgroups(7).
type groups struct {
	unified     string            // folder of version 2; "" for none
	controllers []string          // that version 2 controls there
	single      map[string]string // folders of version 1 by controller
}

// controllers are those that limits need.
func controllers() []string { return []string{"cpu", "memory", "pids"} }

// findGroups creates a group of the given name in each hierarchy in which this is allowed.
func findGroups(name string) groups {
	g := groups{single: map[string]string{}}
	mounts, own := hierarchies()
	if mount, ok := mounts[""]; ok {
		g.unified, g.controllers = findUnified(mount, own[""], name)
	}
	for _, c := range controllers() {
		if dir, ok := mounts[c]; ok && !slices.Contains(g.controllers, c) {
			dir = filepath.Join(dir, own[c], name)
			if err := os.Mkdir(dir, 0o755); err == nil || errors.Is(err, fs.ErrExist) {
				g.single[c] = dir
			}
		}
	}
	g.removeEmpty()
	return g
}

// findUnified looks from our group upwards for one that distributes resources among the groups below it, which only one
// without processes of its own does. So apps are not in the group of the service that the platform may be.
func findUnified(mount, own, name string) (string, []string) {
	for dir := filepath.Join(mount, own); ; dir = filepath.Dir(dir) {
		given := slices.DeleteFunc(words(filepath.Join(dir, "cgroup.subtree_control")), func(c string) bool { return !slices.Contains(controllers(), c) })
		if len(given) > 0 {
			sub := filepath.Join(dir, name)
			if err := os.Mkdir(sub, 0o755); err == nil || errors.Is(err, fs.ErrExist) {
				for _, c := range given {
					_ = writeTo(sub, "cgroup.subtree_control", "+"+c)
				}
				return sub, slices.DeleteFunc(given, func(c string) bool { return !slices.Contains(words(filepath.Join(sub, "cgroup.subtree_control")), c) })
			}
		}
		if len(dir) <= len(mount) {
			return "", nil
		}
	}
}

// hierarchies returns the mount points and our own group by controller; that of version 2 is "".
func hierarchies() (mounts, own map[string]string) {
	mounts, own = map[string]string{}, map[string]string{}
	roots := map[string]string{}
	info, _ := os.ReadFile("/proc/self/mountinfo") // ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [FIELDS] - TYPE SOURCE OPTIONS
	for line := range strings.Lines(string(info)) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(kind) < 3 {
			continue
		}
		switch kind[0] {
		case "cgroup2":
			mounts[""], roots[""] = place[4], place[3]
		case "cgroup":
			for option := range strings.SplitSeq(kind[2], ",") {
				mounts[option], roots[option] = place[4], place[3]
			}
		}
	}
	lists, _ := os.ReadFile("/proc/self/cgroup") // ID:CONTROLLERS:PATH
	for line := range strings.Lines(string(lists)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		for c := range strings.SplitSeq(fields[1], ",") {
			if rel, err := filepath.Rel(roots[c], fields[2]); err == nil && filepath.IsLocal(rel) { // a container may see only a part
				own[c] = rel
			}
		}
	}
	return mounts, own
}

// version returns the version of control groups that enforces limits of a controller; 0 for none.
func (g groups) version(controller string) int {
	if slices.Contains(g.controllers, controller) {
		return 2
	}
	if g.single[controller] != "" {
		return 1
	}
	return 0
}

// dirs returns the folders of all hierarchies.
func (g groups) dirs() []string {
	var all []string
	if g.unified != "" {
		all = append(all, g.unified)
	}
	for _, dir := range g.single {
		all = append(all, dir)
	}
	return all
}

// removeEmpty removes groups without processes, which a killed platform may have left.
func (g groups) removeEmpty() {
	for _, dir := range g.dirs() {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.IsDir() {
				_ = os.Remove(filepath.Join(dir, e.Name())) // fails if it is in use
			}
		}
	}
}

// remove removes everything that is not in use.
func (g groups) remove() {
	g.removeEmpty()
	for _, dir := range g.dirs() {
		_ = os.Remove(dir)
	}
}

// group is the control group of an app: a folder of version 2, or several of version 1.
type group []string

// create creates the group of an app. After an error there is none.
func (g groups) create(name string, l Limits) (group, error) {
	var made group
	set := func(dir string, values map[string]string) error {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		made = append(made, dir)
		for file, value := range values {
			if err := writeTo(dir, file, value); err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	if len(g.controllers) > 0 {
		err = set(filepath.Join(g.unified, name), unifiedValues(l, g.controllers))
	}
	for _, c := range controllers() {
		if dir := g.single[c]; dir != "" && err == nil {
			err = set(filepath.Join(dir, name), singleValues(l, c))
		}
	}
	if err != nil {
		made.remove()
		return nil, fmt.Errorf("create a control group: %w", err)
	}
	return made, nil
}

// unifiedValues and singleValues give the files of a new group. An app that starts may use what CPU time is free: its
// share only counts if others want some too. See limitCPU.
func unifiedValues(l Limits, controllers []string) map[string]string {
	values := map[string]string{}
	if l.CPU > 0 && slices.Contains(controllers, "cpu") {
		values["cpu.weight"] = strconv.Itoa(min(max(int(100*l.CPU), 1), 10_000))
	}
	if l.Memory > 0 && slices.Contains(controllers, "memory") {
		values["memory.max"] = strconv.FormatInt(l.Memory, 10)
		values["memory.oom.group"] = "1" // the whole app ends, instead of going on without one of its processes
	}
	if l.Processes > 0 && slices.Contains(controllers, "pids") {
		values["pids.max"] = strconv.Itoa(l.Processes)
	}
	return values
}

func singleValues(l Limits, controller string) map[string]string {
	switch {
	case controller == "cpu" && l.CPU > 0:
		return map[string]string{"cpu.shares": strconv.Itoa(max(int(1024*l.CPU), 2))}
	case controller == "memory" && l.Memory > 0:
		return map[string]string{"memory.limit_in_bytes": strconv.FormatInt(l.Memory, 10)}
	case controller == "pids" && l.Processes > 0:
		return map[string]string{"pids.max": strconv.Itoa(l.Processes)}
	}
	return nil
}

const cpuPeriod = 100_000 // microseconds

// limitCPU sets the limit of an app that is ready: a start takes one to two seconds of CPU time, for which nobody should
// wait longer than needed.
func (g group) limitCPU(cores float64) {
	if cores <= 0 {
		return
	}
	quota := max(int(cores*cpuPeriod), 1000) // the kernel's minimum
	for _, dir := range g {
		// Only one of the files exists.
		_ = writeTo(dir, "cpu.max", fmt.Sprintf("%d %d", quota, cpuPeriod))
		_ = writeTo(dir, "cpu.cfs_quota_us", strconv.Itoa(quota))
	}
}

// outOfMemory reports whether the kernel has ended a process of the group because of its memory limit.
func (g group) outOfMemory() bool {
	for _, dir := range g {
		for _, file := range []string{"memory.events", "memory.oom_control"} {
			fields := words(filepath.Join(dir, file))
			if at := slices.Index(fields, "oom_kill"); at >= 0 && at+1 < len(fields) && fields[at+1] != "0" {
				return true
			}
		}
	}
	return false
}

// processes returns those in the group, among them any that hides from its parents and its mark.
func (g group) processes() map[int]bool {
	pids := map[int]bool{}
	for _, dir := range g {
		for _, field := range words(filepath.Join(dir, "cgroup.procs")) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids[pid] = true
			}
		}
	}
	return pids
}

// remove removes the group, which has no processes any more.
func (g group) remove() {
	for _, dir := range g {
		for range 100 { // the kernel takes a moment to notice
			if err := os.Remove(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func isUnified(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.controllers"))
	return err == nil
}

// writeTo writes to a file of the kernel, which must exist.
func writeTo(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

func words(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var all []string
	for _, field := range bytes.Fields(data) {
		all = append(all, string(field))
	}
	return all
}
