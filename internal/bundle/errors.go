package bundle

import (
	"fmt"
	"strconv"
	"strings"
)

// Link is a symbolic link and where it leads.
type Link struct {
	Name   string // in the archive
	Target string // absolute, all links resolved
}

// OutsideError lists the links that would bring files from outside the project into the archive.
type OutsideError struct{ Links []Link }

func (e *OutsideError) Error() string {
	list := make([]string, len(e.Links))
	for i, l := range e.Links {
		list[i] = strconv.Quote(l.Name) + " -> " + strconv.Quote(l.Target)
	}
	return "links leave the project: " + strings.Join(list, ", ")
}

// NameError lists files whose names are not UTF-8, which a zip cannot carry so that every reader agrees.
type NameError struct{ Names []string }

func (e *NameError) Error() string {
	list := make([]string, len(e.Names))
	for i, name := range e.Names {
		list[i] = strconv.Quote(name)
	}
	return "file names are not UTF-8: " + strings.Join(list, ", ")
}

// TooLargeError says that the archive passed its limit. Size is what it had when that was seen, so the whole is
// at least as large.
type TooLargeError struct{ Size, Limit int64 } // bytes

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the archive has at least %d bytes, the limit is %d", e.Size, e.Limit)
}
