package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc: USER_HZ, which is 100 on every Linux.
const tick = 10 * time.Millisecond

// procfs reads what Linux says about processes; /proc, or what a test puts in its place.
type procfs struct{ fs.FS }

// cpu returns the user and system time that a process and its descendants have taken. Of those that have ended
// nothing is known: contestants keep theirs.
func (p procfs) cpu(root int) (time.Duration, error) {
	var sum time.Duration
	return sum, p.eachOf(root, func(_ string, s stat) error {
		sum += s.cpu
		return nil
	})
}

// memory returns the resident bytes of a process and its descendants. Pages that several processes share count
// in part for each (PSS).
func (p procfs) memory(root int) (int64, error) {
	var sum int64
	return sum, p.eachOf(root, func(dir string, _ stat) error {
		text, err := fs.ReadFile(p, dir+"/smaps_rollup")
		if err != nil {
			return err
		}
		pss, err := parsePSS(string(text))
		sum += pss
		return err
	})
}

// eachOf calls f for a process and its descendants.
func (p procfs) eachOf(root int, f func(dir string, s stat) error) error {
	entries, err := fs.ReadDir(p, ".")
	if err != nil {
		return err
	}
	processes := map[int]stat{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := fs.ReadFile(p, e.Name()+"/stat")
		if err != nil {
			continue // it has ended meanwhile
		}
		if processes[pid], err = parseStat(string(text)); err != nil {
			return fmt.Errorf("process %d: %w", pid, err)
		}
	}
	if _, ok := processes[root]; !ok {
		return fmt.Errorf("process %d has ended", root)
	}
	for pid, s := range processes {
		if descends(processes, pid, root) {
			if err := f(strconv.Itoa(pid), s); err != nil {
				return fmt.Errorf("process %d: %w", pid, err)
			}
		}
	}
	return nil
}

func descends(processes map[int]stat, pid, root int) bool {
	for range len(processes) { // a parent that has ended in between must not lead into a circle
		if pid == root {
			return true
		}
		s, ok := processes[pid]
		if !ok {
			return false
		}
		pid = s.parent
	}
	return false
}

// stat is the part of /proc/PID/stat that counts here.
type stat struct {
	parent int
	cpu    time.Duration // user and system
}

// parseStat reads the fields that proc(5) numbers 4, 14 and 15. The second is the program's name in parentheses,
// which may itself hold blanks and parentheses.
func parseStat(text string) (stat, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // from the third on
	if len(fields) < 13 {
		return stat{}, errors.New("stat is too short")
	}
	parent, err := strconv.Atoi(fields[1])
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	return stat{parent, time.Duration(user+system) * tick}, errors.Join(err, errUser, errSystem)
}

// parsePSS reads the line "Pss:  123 kB" of smaps_rollup. The result is in bytes.
func parsePSS(text string) (int64, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "Pss:" && fields[2] == "kB" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("smaps_rollup tells no Pss")
}
