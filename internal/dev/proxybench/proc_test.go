package main

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"
)

func statLine(pid int, name string, parent, user, system int) string {
	return fmt.Sprintf("%d (%s) S %d 1 1 0 -1 4194560 1000 0 0 0 %d %d 77 88 20 0 1 0 500 1000000 300 18446744073709551615\n",
		pid, name, parent, user, system)
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text  string
		want  stat
		wrong bool
	}{
		"plain":                       {text: statLine(10, "nginx", 1, 3, 4), want: stat{1, 70 * time.Millisecond}},
		"blank and parentheses":       {text: statLine(10, "a) S 99 (b", 7, 100, 0), want: stat{7, time.Second}},
		"cut":                         {text: "10 (nginx) S 1 1 1", wrong: true},
		"empty":                       {wrong: true},
		"a time that is not a number": {text: "10 (x) S 1 1 1 0 -1 0 0 0 0 0 many 4 0 0\n", wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat(tc.text)
			if (err != nil) != tc.wrong || err == nil && got != tc.want {
				t.Errorf("%+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

func TestProcessTree(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	rollup := func(kb int) *fstest.MapFile {
		return file(fmt.Sprintf("5583-7ffd ---p 00000000 00:00 0    [rollup]\nRss:    9999 kB\nPss:   %d kB\nPss_Dirty:   1 kB\n", kb))
	}
	proc := procfs{fstest.MapFS{
		"uptime":          file("1 2\n"),
		"1/stat":          file(statLine(1, "init", 0, 1000, 1000)),
		"20/stat":         file(statLine(20, "master", 1, 1, 2)),
		"20/smaps_rollup": rollup(100),
		"21/stat":         file(statLine(21, "worker", 20, 10, 20)),
		"21/smaps_rollup": rollup(30),
		"22/stat":         file(statLine(22, "its child", 21, 100, 200)),
		"22/smaps_rollup": rollup(7),
		"23/stat":         file(statLine(23, "orphan", 999, 5000, 0)),
		"24/stat":         file(statLine(24, "circle", 25, 5000, 0)),
		"25/stat":         file(statLine(25, "circle", 24, 5000, 0)),
		"26/other":        file(""),
	}}
	if got, err := proc.cpu(20); err != nil || got != 3330*time.Millisecond {
		t.Errorf("cpu %v, %v", got, err)
	}
	if got, err := proc.memory(20); err != nil || got != 137<<10 {
		t.Errorf("memory %d, %v", got, err)
	}
	if got, err := proc.cpu(22); err != nil || got != 3*time.Second {
		t.Errorf("cpu of a leaf %v, %v", got, err)
	}
	if _, err := proc.cpu(30); err == nil {
		t.Error("knows a process that is not there")
	}
	if _, err := proc.memory(23); err == nil {
		t.Error("knows the memory of a process that does not tell")
	}
}

func TestParsePSS(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text  string
		want  int64
		wrong bool
	}{
		"among others": {text: "Rss: 5 kB\nPss:                 123 kB\nPss_Anon: 7 kB\n", want: 123 << 10},
		"missing":      {text: "Rss: 5 kB\n", wrong: true},
		"other unit":   {text: "Pss: 5 MB\n", wrong: true},
		"no number":    {text: "Pss: x kB\n", wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePSS(tc.text)
			if (err != nil) != tc.wrong || err == nil && got != tc.want {
				t.Errorf("%d, %v; want %d", got, err, tc.want)
			}
		})
	}
}
