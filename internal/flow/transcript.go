package flow

import "strings"

// Transcript prints a log that the platform always returns from the start. Each line is shown once, even if a
// response contains less of the log than the one before (it was truncated, or collected again) or only its newest
// lines. The zero value has shown nothing.
type Transcript struct{ shown string }

// Add returns the lines of now that were not shown yet, all of them if it is a different log.
func (t *Transcript) Add(now string) string {
	if strings.HasPrefix(t.shown, now) { // possibly empty
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
	t.shown = strings.TrimSuffix(t.shown, "\n") + "\n" + fresh // the whole log may be returned again
	return fresh
}

// overlap returns the length of the lines that before ends with and now begins with. A single line may repeat by
// chance, unless it has a timestamp.
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

// suffixPrefix returns how many elements a ends with and b begins with (Knuth-Morris-Pratt): trying each length
// would take too long for a long log.
func suffixPrefix(a, b []string) int {
	shorter := make([]int, len(b)+1) // the next shorter match to try after that many elements of b
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
