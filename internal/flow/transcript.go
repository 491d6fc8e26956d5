package flow

import "strings"

// Transcript shows a log of the platform, which sends it anew each time. Each line is shown once, also where an answer
// has less of the log than one before (it was cut short, or the platform has just begun to gather it again) or only its
// newest lines. The zero value has shown nothing.
type Transcript struct{ shown string }

// Add returns the lines of now that were not shown yet, all of them where it is another log.
func (t *Transcript) Add(now string) string {
	if strings.HasPrefix(t.shown, now) { // also nothing at all
		return ""
	}
	if added, ok := strings.CutPrefix(now, t.shown); ok {
		t.shown = now
		return strings.TrimPrefix(added, "\n")
	}
	known := overlap(t.shown, now)
	if known == 0 {
		t.shown = now
		return now
	}
	fresh := now[known:]
	t.shown = strings.TrimSuffix(t.shown, "\n") + "\n" + fresh // the whole log may come again
	return fresh
}

// overlap returns the length of the lines that before ends and now begins with. One line alone may be there twice by
// chance, unless it tells its time.
func overlap(before, now string) int {
	old, lines := splitLines(before), splitLines(now)
	n := suffixPrefix(old[max(0, len(old)-len(lines)):], lines)
	if n == 1 {
		if _, timed := LineTime(lines[0]); !timed {
			return 0
		}
	}
	length := 0
	for _, line := range lines[:n] {
		length += len(line) + 1
	}
	return min(length, len(now))
}

func splitLines(log string) []string { return strings.Split(strings.TrimSuffix(log, "\n"), "\n") }

// suffixPrefix returns how many elements a ends and b begins with, by the search of Knuth, Morris and Pratt: to compare
// each possible number takes too long for a long log.
func suffixPrefix(a, b []string) int {
	shorter := make([]int, len(b)+1) // the next shorter match to try after so many elements of b
	n := 0
	for i := 1; i < len(b); i++ {
		for n > 0 && b[n] != b[i] {
			n = shorter[n]
		}
		if b[n] == b[i] {
			n++
		}
		shorter[i+1] = n
	}
	n = 0
	for _, line := range a {
		for n > 0 && (n == len(b) || b[n] != line) {
			n = shorter[n]
		}
		if b[n] == line {
			n++
		}
	}
	return n
}
