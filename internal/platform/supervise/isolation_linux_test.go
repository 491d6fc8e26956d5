package supervise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// isolation returns one of this test alone. The test is skipped if a controller's limits are not in force here.
func isolation(t *testing.T, controllers ...string) *Isolation {
	t.Helper()
	i := NewIsolation("test-"+newRun(), t.TempDir())
	t.Cleanup(func() {
		i.Close()
		for _, dir := range i.groups.dirs() {
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s is left", dir)
			}
		}
	})
	for _, c := range controllers {
		if i.groups.version(c) == 0 {
			t.Skipf("control groups for %s cannot be used here: %+v", c, i.Level())
		}
	}
	return i
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "family")
	s.Isolation = isolation(t, controllers()...)
	s.Limits = Limits{CPU: 0.5, Memory: 256 << 20, Processes: 100}
	i := launched(t, s)
	for _, m := range s.Isolation.Level() {
		if strings.HasSuffix(m.Name, "limit") && (!m.InForce || !strings.HasPrefix(m.Detail, "control group")) {
			t.Errorf("%+v", m)
		}
	}
	var set []string
	for _, dir := range i.record.Group {
		for _, file := range []string{
			"cpu.max", "cpu.cfs_quota_us", "cpu.weight", "cpu.shares", "memory.max", "memory.limit_in_bytes", "pids.max",
		} {
			if values := words(filepath.Join(dir, file)); len(values) > 0 {
				set = append(set, values[0])
			}
		}
	}
	slices.Sort(set)
	if got := strings.Join(set, " "); got != "100 268435456 50 50000" && got != "100 268435456 50000 512" {
		t.Errorf("limits are %s", got)
	}
	pids := append(children(t, output(t, s, listening)), i.record.PID)
	for pid := range i.record.Group.processes() {
		if !slices.Contains(pids, pid) {
			t.Errorf("%d is in the app's control group", pid)
		}
	}
	if inside := len(i.record.Group.processes()); inside != len(pids) {
		t.Errorf("%d processes are in the app's control group, want %d", inside, len(pids))
	}
	i.Release()
	again, err := Adopt(s.Home)
	if err != nil {
		t.Fatal(err)
	}
	again.Stop(time.Minute)
	for _, dir := range i.record.Group {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	for name, adopted := range map[string]bool{"of a launched app": false, "of an adopted app": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := instanceSpec(t, "glutton")
			s.Isolation = isolation(t, "memory")
			s.Limits.Memory = 100e6
			i := launched(t, s)
			if adopted {
				i.Release()
				var err error
				if i, err = Adopt(s.Home); err != nil {
					t.Fatal(err)
				}
			}
			get(t, i.URL().JoinPath("eat").String())
			<-i.Done()
			var problem *platform.Problem
			if !errors.As(i.Err(), &problem) || problem.Reason != platform.ReasonMemory || !strings.Contains(problem.Msg, "limit of 100 MB") ||
				!strings.Contains(problem.Hint, "ploomber-cloud resources") {
				t.Errorf("ended with %#v", i.Err())
			}
		})
	}
}

// Groups that a killed platform left are removed by the next one, those of running apps are not.
func TestLeftGroups(t *testing.T) {
	t.Parallel()
	s := instanceSpec(t, "serve")
	s.Isolation = isolation(t, "pids")
	i := launched(t, s)
	left, err := s.Isolation.groups.create("left", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s.Isolation.groups.removeEmpty()
	for _, dir := range left {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	for _, dir := range i.record.Group {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}

func TestValuesOfLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits                  Limits
		weight, shares, unified string
	}{
		"none":  {Limits{}, "", "", "map[]"},
		"all":   {Limits{CPU: 2, Memory: 1e9, Processes: 9}, "200", "2048", "map[cpu.weight:200 memory.max:1000000000 memory.oom.group:1 pids.max:9]"},
		"small": {Limits{CPU: 0.001}, "1", "2", "map[cpu.weight:1]"},
		"large": {Limits{CPU: 1000}, "10000", "1024000", "map[cpu.weight:10000]"},
	} {
		if got := fmt.Sprint(unifiedValues(tc.limits, controllers())); got != tc.unified {
			t.Errorf("%s: %s, want %s", name, got, tc.unified)
		}
		if got := singleValues(tc.limits, "cpu")["cpu.shares"]; got != tc.shares {
			t.Errorf("%s: %s shares, want %s", name, got, tc.shares)
		}
	}
}

// An app is started in a group of version 2, and is found there.
func TestUnifiedGroup(t *testing.T) {
	t.Parallel()
	mounts, own := hierarchies()
	s := instanceSpec(t, "family")
	s.Isolation = &Isolation{groups: groups{unified: filepath.Join(mounts[""], own[""], "ploomber-cloud-test-"+newRun()), controllers: []string{"none"}}}
	if err := os.Mkdir(s.Isolation.groups.unified, 0o755); mounts[""] == "" || err != nil {
		t.Skipf("control groups of version 2 cannot be used here: %v", err)
	}
	t.Cleanup(s.Isolation.Close)
	i := launched(t, s)
	pids := append(children(t, output(t, s, listening)), i.record.PID)
	if inside := i.record.Group.processes(); len(i.record.Group) != 1 || len(inside) != len(pids) || !inside[i.record.PID] {
		t.Errorf("%v are in %v, want %v", inside, i.record.Group, pids)
	}
	i.Stop(time.Minute)
	if _, err := os.Stat(i.record.Group[0]); err == nil {
		t.Errorf("%s is left", i.record.Group[0])
	}
}

func TestNice(t *testing.T) {
	t.Parallel()
	nice := func(pid int) int {
		value, err := strconv.Atoi(words(fmt.Sprintf("/proc/%d/stat", pid))[19-1]) // the name has no spaces here
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for more, isolation := range map[int]*Isolation{0: nil, appNice: {}} {
		s := instanceSpec(t, "serve")
		s.Isolation = isolation
		if got, want := nice(launched(t, s).record.PID), min(nice(os.Getpid())+more, 19); got != want {
			t.Errorf("nice is %d, want %d", got, want)
		}
	}
}
