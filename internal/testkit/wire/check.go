package wire

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Checker compares what the steps of one case did with what they should. It remembers between steps the
// tokens, and the key that a command stored.
type Checker struct {
	Key       string // that requests carry
	Reference bool   // the program is the reference tool: its known ways are accepted, see reference.go

	tokens map[string]string
}

// crashMarks never stand in the output of a program that is in control.
func crashMarks() []string {
	return []string{"panic: ", "goroutine 1 [", "Traceback (most recent call last)"}
}

// Step lists the differences from the outcome that comes closest.
func (c *Checker) Step(s *Step, seen *Seen) (best []string) {
	if c.tokens == nil {
		c.tokens = map[string]string{}
	}
	defer c.learnKey(s, seen)
	for i, want := range s.Wants {
		d := &differ{tokens: maps.Clone(c.tokens)}
		if c.Reference {
			want = asReference(want, seen)
		}
		found := c.outcome(d, s, want, seen)
		if len(found) == 0 {
			c.tokens = d.tokens
			return nil
		}
		if i == 0 || len(found) < len(best) {
			best = found
		}
	}
	return best
}

func (c *Checker) outcome(d *differ, s *Step, want Outcome, seen *Seen) (found []string) {
	if seen.TimedOut {
		found = append(found, "exit: timed out and was killed")
	} else if want.Exit != seen.Exit {
		found = append(found, fmt.Sprintf("exit: wanted %d, saw %d", want.Exit, seen.Exit))
	}
	found = append(found, c.requests(d, s, want, seen)...)
	found = append(found, c.files(d, "project", want.Project, seen.ProjectBefore, seen.Project, seen.env)...)
	found = append(found, c.files(d, "home", want.Home, seen.HomeBefore, seen.Home, seen.env)...)
	for _, name := range seen.Outside {
		found = append(found, "outside: "+name+" was left there")
	}
	for _, text := range want.Says {
		if !strings.Contains(strings.ToLower(seen.Output), strings.ToLower(text)) {
			found = append(found, fmt.Sprintf("output: wanted %q in it", text))
		}
	}
	for _, mark := range crashMarks() {
		if !c.Reference && strings.Contains(seen.Output, mark) {
			found = append(found, fmt.Sprintf("output: %q shows a crash", mark))
		}
	}
	return found
}

// learnKey notes a key that "key NEW" has just stored.
func (c *Checker) learnKey(s *Step, seen *Seen) {
	if len(s.Args) == 2 && s.Args[0] == "key" && seen.Exit == 0 {
		c.Key = s.Args[1]
	}
}

func (c *Checker) requests(d *differ, s *Step, want Outcome, seen *Seen) (found []string) {
	var wanted, saw []string
	for _, r := range want.Requests {
		wanted = append(wanted, r.Method+" "+r.Path)
	}
	for _, r := range seen.Requests {
		saw = append(saw, r.Method+" "+r.Path)
	}
	if !slices.Equal(wanted, saw) {
		return []string{"requests: wanted\n    " + strings.Join(wanted, "\n    ") + "\n  saw\n    " + strings.Join(saw, "\n    ")}
	}
	key := c.Key
	if k, ok := s.Env["PLOOMBER_CLOUD_KEY"]; ok {
		key = k
	}
	for i, r := range want.Requests {
		at := wanted[i]
		found = append(found, c.request(d, at, key, r, seen.Requests[i])...)
		if seen.Requests[i].Archive != nil {
			found = append(found, c.archive(at, r, seen.Requests[i], want, seen)...)
		}
	}
	return found
}

func (c *Checker) request(d *differ, at, key string, want Request, seen SeenRequest) (found []string) {
	for _, m := range seen.Mistakes {
		found = append(found, at+": "+m)
	}
	if seen.Unscripted {
		found = append(found, at+": the case has no reply to it")
	}
	found = append(found, c.headers(at, key, want, seen)...)
	if !c.Reference || want.Path != examplesPath { // it sends the media type there as a query
		found = append(found, d.diff(at+": query", query(want.Query), query(seen.Query))...)
	}
	found = append(found, d.diff(at+": body", want.JSON, seen.Body)...)
	if want.Form == nil && seen.Form == nil {
		return found
	}
	return append(found, d.diff(at+": form", want.Form, seen.Form)...)
}

func query(values map[string][]string) map[string]any {
	m := map[string]any{}
	for k, v := range values {
		m[k] = strings.Join(v, " and ")
	}
	return m
}

// headers follow from the path: the platform gets the key and is asked for JSON (but for /users/me), others
// get no key. What a body is, is told where there is one.
func (c *Checker) headers(at, key string, want Request, seen SeenRequest) (found []string) {
	wanted := map[string]string{"Api_key": "", "Authorization": want.Authorization}
	accept := seen.Header.Get("Accept")
	if isPlatform(want.Path) {
		wanted["Api_key"] = key
		if want.Path != mePath && accept != jsonType && !strings.HasPrefix(accept, jsonType+",") {
			found = append(found, fmt.Sprintf("%s: header accept: wanted %s, saw %q", at, jsonType, accept))
		}
	}
	if want.Path == examplesPath && !c.Reference {
		wanted["Accept"] = "application/vnd.github+json"
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if got := strings.Join(seen.Header[name], " and "); got != wanted[name] {
			found = append(found, fmt.Sprintf("%s: header %s: wanted %q, saw %q", at, strings.ToLower(name), wanted[name], got))
		}
	}
	media := ""
	switch {
	case want.Form != nil:
		media = "multipart/form-data"
	case want.JSON != nil:
		media = jsonType
	}
	if seen.Type != media {
		found = append(found, fmt.Sprintf("%s: header content-type: wanted %q, saw %q", at, media, seen.Type))
	}
	return found
}

// archive compares the entries of an upload, by hash, with the files of the project that they come from, and
// sees that nothing was made in the project for it.
func (c *Checker) archive(at string, want Request, seen SeenRequest, outcome Outcome, all *Seen) (found []string) {
	for _, name := range want.Zip {
		entry, ok := seen.Archive[name]
		file, exists := followed(all.Project, name)
		switch {
		case !ok:
			found = append(found, at+": archive: "+name+" is missing")
		case !exists || entry != file.Sum:
			found = append(found, at+": archive: "+name+" is not what the file holds")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen.Archive)) {
		if !slices.Contains(want.Zip, name) && !(c.Reference && referenceEntry(name)) {
			found = append(found, at+": archive: "+name+" should not be in it")
		}
	}
	for _, name := range seen.NewFiles {
		made := slices.ContainsFunc(outcome.Project, func(f Content) bool { return f.Path == name })
		if !made && !(c.Reference && referenceWorkFile(name)) {
			found = append(found, at+": "+name+" was made in the project while it was sent")
		}
	}
	return found
}
