package doctorcmd

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// recipe is how apps of the project's type run; false where there is no project or its type is unknown.
func (e *examination) recipe() (platform.Recipe, bool) {
	if e.config == nil {
		return platform.Recipe{}, false
	}
	return platform.RecipeFor(platform.Framework(e.config.Type), e.OS)
}

// files checks that the files are there without which the app cannot start.
func (e *examination) files(context.Context) {
	r, ok := e.recipe()
	if !ok {
		return
	}
	entry, err := platform.Entry(e.Folder.Dir, r)
	if err != nil {
		e.failed("app", err, "a project of type "+e.config.Type+" starts "+r.Entry)
	} else {
		e.add(OK, "app", "starts with "+term.Printable(entry), "")
	}
	if r.Runtime != platform.Python {
		return
	}
	const name = "requirements.txt"
	path := filepath.Join(e.Folder.Dir, name)
	info, err := os.Stat(path)
	var text []byte
	if err == nil && info.Mode().IsRegular() { // a pipe would make us wait
		text, err = os.ReadFile(path)
	}
	switch {
	case err != nil:
		e.add(Problem, "requirements", name+" cannot be read: the packages of the app are not known", "list them in "+name+", at least "+r.Package)
	case !bytes.Contains(bytes.ToLower(text), []byte(r.Package)):
		e.add(Warning, "requirements", name+" does not mention "+r.Package, "add it, unless another package brings it")
	default:
		e.add(OK, "requirements", name+" is there", "")
	}
}

// tools checks the programs that running the app here needs; a deployment needs none of them.
func (e *examination) tools(ctx context.Context) {
	r, ok := e.recipe()
	if !ok {
		return
	}
	needed := map[platform.Runtime][]string{ // one of them will do
		platform.Python: {"uv", "python3", "python"}, platform.R: {"Rscript"}, platform.Container: {"docker", "podman"},
	}[r.Runtime]
	var there []string
	for _, program := range needed {
		if version, ok := e.found(ctx, program, "--version"); ok && !slices.Contains(there, version) {
			there = append(there, version)
		}
	}
	if len(there) == 0 {
		e.add(Warning, "tools", "there is no "+strings.Join(needed, " or ")+" here, so 'ploomber-cloud up' cannot run the app",
			"install "+needed[0]+"; to deploy, it is not needed")
		return
	}
	e.add(OK, "tools", strings.Join(there, ", "), "")
}

// archive estimates the zip that a deployment uploads.
func (e *examination) archive(ctx context.Context) {
	if e.config == nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, 3*e.waiting())
	defer cancel()
	d := flow.Deploy{Folder: e.Folder}
	files, err := d.Files(limited, e.config, false)
	if err != nil {
		e.unpacked(err)
		return
	}
	n, size := files.Total()
	text := count(n, "file") + " ship, " + term.Bytes(size) + " before compression"
	if size > e.plan.MaxArchive { // zipped it may be small enough
		_, err = bundle.Measure(limited, files, bundle.Options{Limit: e.plan.MaxArchive})
	}
	for _, m := range flow.Missed(files.Missed()) {
		e.add(Warning, "archive", m.Text, m.Hint)
	}
	var large *bundle.TooLargeError
	switch limit := term.Bytes(e.plan.MaxArchive); {
	case errors.As(err, &large):
		status := Problem
		if !e.knownPlan { // a larger tier may allow it
			status = Warning
		}
		e.add(status, "archive", text+"; zipped it is larger than the "+limit+" of the "+e.plan.Name+" tier",
			"see what ships with 'ploomber-cloud deploy --list-files' and leave files out with 'ignore' or "+bundle.IgnoreFileName)
	case err != nil:
		e.unpacked(err)
	case n == 0:
		e.add(Problem, "archive", "no file ships", "see why with 'ploomber-cloud deploy --list-files'")
	default:
		e.add(OK, "archive", text+"; the "+e.plan.Name+" tier allows "+limit+" zipped", "")
	}
}

func (e *examination) unpacked(err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		e.add(Warning, "archive", "the project is too large to be measured at once",
			"see what ships with 'ploomber-cloud deploy --list-files' and leave out what the app does not need")
		return
	}
	e.failed("archive", err, "")
}

// waiting is the limit of one check that waits for something.
func (e *examination) waiting() time.Duration {
	if e.Patience > 0 {
		return e.Patience
	}
	return 5 * time.Second
}
