// Package wire replays what the command line must say to the platform: a case gives files, a scripted server
// and a command; the program runs for real, and its requests, exit status, output and files are compared by
// meaning with what the case wants. It knows the platform's protocol and nothing about how our program is
// built, so that the reference tool can be run on the same cases. testdata/wire/README.md shows the form.
package wire

import (
	"io/fs"
	"net/url"
	"time"
)

// StoredKey is the API key in the home of a case that names none.
const StoredKey = "test-key"

// Case is one folder, one home and the commands that run there, one after the other.
type Case struct {
	Group, Name, About string
	Key                string // in config.yaml and sent with every request; "" where the home holds none
	Project, Home      []File
	Steps              []Step
}

// File is a file as it is before the first command.
type File struct {
	Path    string // below its folder, with slashes
	Text    string // {{HOME}}, {{PROJECT}} and {{NOW}} (Unix seconds) are filled in
	Link    string // makes a symbolic link to this instead
	Size    int    // makes a file of so many bytes instead, random ones unless Zeros is set
	Zeros   bool
	ModTime time.Time
	Mode    fs.FileMode
}

// Step is one command.
type Step struct {
	Args    []string
	Stdin   string
	Env     map[string]string
	Replies []Reply
	Wants   []Outcome // any of them will do
	Departs []string  // defects of the reference tool that this result leaves behind
}

// Reply is what the server answers to the next request for Path. A GET after the last one gets the last again.
type Reply struct {
	Method, Path string
	Status       int
	Type         string
	Body         []byte
}

// Outcome is what a command must do.
type Outcome struct {
	Exit     int
	Says     []string // somewhere in the output, in any letter case
	Requests []Request
	Project  []Content // files that differ from before; every other one must be as it was
	Home     []Content
}

// Request is one that the command must send. Its headers follow from the path, see checkHeaders.
type Request struct {
	Method, Path  string
	Query         url.Values
	Authorization string
	JSON          any // body, nil for none
	Form          map[string]any
	Zip           []string // names in the archive; their content is that of the project's files
}

// Content is what a file must mean: an Object for .env, JSON and config.yaml, else a text or a matcher; Gone
// where it must not be there.
type Content struct {
	Path  string
	Value any
}

// Heavy reports whether a case writes files too large for a quick run.
func (c *Case) Heavy() bool {
	for _, f := range c.Project {
		if f.Size > 1<<20 {
			return true
		}
	}
	return false
}
