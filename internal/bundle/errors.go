package bundle

import (
	"fmt"
	"strconv"
	"strings"
)

// Link is a symbolic link and its target.
type Link struct {
	Name   string // in the archive
	Target string // absolute, all links resolved
}

// OutsideError lists the links that would add files from outside the project to the archive.
type OutsideError struct{ Links []Link }

func (e *OutsideError) Error() string {
	list := make([]string, len(e.Links))
	for i, l := range e.Links {
		list[i] = strconv.Quote(l.Name) + " -> " + strconv.Quote(l.Target)
	}
	return "links leave the project: " + strings.Join(list, ", ")
}

// NameError lists files whose names are not UTF-8, which zip readers would interpret differently.
type NameError struct{ Names []string }

func (e *NameError) Error() string {
	list := make([]string, len(e.Names))
	for i, name := range e.Names {
		list[i] = strconv.Quote(name)
	}
	return "file names are not UTF-8: " + strings.Join(list, ", ")
}

// TooLargeError means that the archive exceeded its limit. Size is its size at that point, so the whole is at
// least as large.
type TooLargeError struct{ Size, Limit int64 } // bytes

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the archive has at least %d bytes, the limit is %d", e.Size, e.Limit)
}
