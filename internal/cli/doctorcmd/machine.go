package doctorcmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/detect"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// app finds what 'ploomber-cloud up' would run here, which needs neither an account nor a configuration.
func (e *examination) app(context.Context) {
	find := detect.Options{NoEngine: !e.there("docker", "podman")}
	if e.config != nil {
		find.Framework = platform.Framework(e.config.Type)
	}
	if e.env != nil {
		for _, p := range e.env.Values(func(name string) (string, bool) { return e.Environ(name) }) {
			if !p.Null {
				find.Environ = append(find.Environ, p.Key+"="+p.Value)
			}
		}
		find.Entry = platform.Lookup(find.Environ, flow.EntryKey)
	}
	if home, err := e.Settings.Home(); err == nil {
		find.Home = os.DirFS(home)
	}
	app, err := detect.Find(os.DirFS(e.Folder.Dir), find)
	var problem *platform.Problem
	var several *detect.Ambiguous
	switch {
	case errors.As(err, &several):
		e.add(Warning, "app", several.Error(), "name one with 'ploomber-cloud up --entry "+several.Apps[0].Entry+"'")
		return
	case errors.As(err, &problem) && e.config != nil:
		e.add(Problem, "app", problem.Error(), problem.Hint)
		return
	case errors.As(err, &problem):
		e.add(Warning, "app", problem.Error(), problem.Hint)
		return
	case err != nil:
		e.failed("app", err, "")
		return
	}
	recipe, ok := app.Recipe(e.OS)
	if !ok {
		return // its type was already reported by the check of the project
	}
	e.recipe = &recipe
	message := "'ploomber-cloud up' starts " + term.Printable(app.String()) + " (" + string(app.Framework) + ")"
	if app.BaseFrom != "" {
		message += " and serves it below " + app.Base + ", as " + app.BaseFrom + " says"
	}
	e.add(OK, "app", message, "")
	if recipe.Runtime == platform.Python {
		e.requirements(recipe.Package)
	}
}

// sources are the files that may list the packages of a Python app.
var sources = []string{
	"requirements.txt", "pylock.toml", "pyproject.toml", "Pipfile.lock", "Pipfile", "requirements/base.txt", "requirements.in", "environment.yml",
	"environment.yaml", "setup.cfg", "setup.py",
}

// requirements checks that the packages of a Python app are listed.
func (e *examination) requirements(module string) {
	for _, name := range sources {
		info, err := os.Stat(filepath.Join(e.Folder.Dir, filepath.FromSlash(name)))
		if err != nil || !info.Mode().IsRegular() { // reading a pipe would block
			continue
		}
		text, err := os.ReadFile(filepath.Join(e.Folder.Dir, filepath.FromSlash(name)))
		switch {
		case err != nil:
			e.add(Problem, "requirements", name+" cannot be read: the app's packages are unknown", "make it readable for your user")
		case name == sources[0] && !bytes.Contains(bytes.ToLower(text), []byte(module)):
			e.add(Warning, "requirements", name+" does not mention "+module, "add it, unless another package depends on it")
		default:
			e.add(OK, "requirements", name+" is there", "")
		}
		return
	}
	e.add(Warning, "requirements", "no file lists the app's packages: 'ploomber-cloud up' derives them from its imports", "list them in requirements.txt, at least "+cmp.Or(module, "the packages it imports"))
}

// there reports whether one of several programs is on this machine.
func (e *examination) there(programs ...string) bool {
	path, _ := e.Environ("PATH")
	_, err := platform.FindProgram([]string{"PATH=" + path}, programs...)
	return err == nil
}

// tools checks the programs needed to run the app here; a deployment needs none of them.
func (e *examination) tools(ctx context.Context) {
	if e.recipe == nil || e.recipe.Runtime == platform.Plain {
		return
	}
	needed := map[platform.Runtime][]string{ // one of them is enough
		platform.Python: {"python3", "python"}, platform.R: {"Rscript"}, platform.Container: {"docker", "podman"},
	}[e.recipe.Runtime]
	var there []string
	for _, program := range needed {
		if version, ok := e.found(ctx, program, "--version"); ok && !slices.Contains(there, version) {
			there = append(there, version)
		}
	}
	if len(there) == 0 {
		e.add(Warning, "tools", "cannot find "+strings.Join(needed, " or ")+", so 'ploomber-cloud up' cannot run the app",
			"install "+needed[0]+"; it is not needed to deploy")
		return
	}
	e.add(OK, "tools", strings.Join(there, ", "), "")
}

// archive estimates the size of the uploaded zip file.
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
	if size > e.plan.MaxArchive { // compressed, it may be small enough
		_, err = bundle.Measure(limited, files, bundle.Options{Limit: e.plan.MaxArchive})
	}
	for _, m := range dialog.Missed(files.Missed()) {
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
			"list the deployed files with 'ploomber-cloud deploy --list-files' and exclude some with 'ignore' or "+bundle.IgnoreFileName)
	case err != nil:
		e.unpacked(err)
	case n == 0:
		e.add(Problem, "archive", "no files would be deployed", "see why with 'ploomber-cloud deploy --list-files'")
	default:
		e.add(OK, "archive", text+"; the "+e.plan.Name+" tier allows "+limit+" zipped", "")
	}
}

func (e *examination) unpacked(err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		e.add(Warning, "archive", "measuring the project took too long",
			"list the deployed files with 'ploomber-cloud deploy --list-files' and exclude what the app does not need")
		return
	}
	e.failed("archive", err, "")
}

// waiting limits the time of a check that waits for something.
func (e *examination) waiting() time.Duration {
	if e.Patience > 0 {
		return e.Patience
	}
	return 5 * time.Second
}
