package project

import "strings"

// Nearest returns the option that a user most likely meant by typed, or "" where none is close: at most two
// letters differ, and fewer than half of them.
func Nearest(typed string, options []string) string {
	best, bestDistance := "", 3
	for _, o := range options {
		d := distance(strings.ToLower(typed), strings.ToLower(o))
		if d < bestDistance && 2*d < max(len(o), 2) {
			best, bestDistance = o, d
		}
	}
	return best
}

// distance is Levenshtein's: the insertions, deletions and replacements that turn a into b.
func distance(a, b string) int {
	if len(a) > 100 { // nothing that anyone mistyped
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
