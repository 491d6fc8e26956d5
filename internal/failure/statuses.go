package failure

import (
	"slices"
	"strconv"
	"strings"
)

// statuses is the key of the annotation that Statuses writes.
const statuses = "exit-statuses"

// Statuses is the annotation of a command that may end with these statuses, besides those that every command may end
// with. The reference pages show them.
func Statuses(codes ...int) map[string]string {
	list := make([]string, len(codes))
	for i, code := range codes {
		list[i] = strconv.Itoa(code)
	}
	return map[string]string{statuses: strings.Join(list, " ")}
}

// StatusesOf returns all statuses that a command with these annotations may end with, in order.
func StatusesOf(annotations map[string]string) []int {
	codes := []int{Done, Failed, Usage, Interrupted}
	for _, s := range strings.Fields(annotations[statuses]) {
		if code, err := strconv.Atoi(s); err == nil {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}
