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

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal
// string alignment): swapped letters are the commonest slip of all.
func distance(a, b string) int {
	if len(a) > 100 { // nothing that anyone mistyped
		return len(a)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
