// Package spelling finds the word that a user most likely meant by an unknown one. It does not know what the words
// are.
package spelling

import "strings"

// Nearest returns the option that a user most likely meant by typed, or "" if none is close: at most two letters
// differ, and fewer than half of them.
func Nearest(typed string, options []string) string {
	best, bestDistance := "", 3
	for _, o := range options {
		d := Distance(strings.ToLower(typed), strings.ToLower(o), 1)
		if d < bestDistance && 2*d < max(len(o), 2) {
			best, bestDistance = o, d
		}
	}
	return best
}

// Distance counts the typing errors between two words, in bytes: insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment). A substitution or a swap counts as many errors as substitution says: 1 where people
// slip, 2 where they rather leave parts of a name out. Of words longer than 100 bytes, which nobody mistyped, it is the
// length of a.
func Distance(a, b string, substitution int) int {
	if len(a) > 100 {
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
			cost := substitution
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+substitution)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
