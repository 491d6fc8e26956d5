package detect

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/pysource"
)

const (
	maxSource = 4 << 20 // bytes of a script or notebook that is read
	maxDepth  = 3       // folders below the project in which an app is looked for
	maxFiles  = 2000    // scripts that are looked at
)

// project reads the files of a project, each once.
type project struct {
	dir     fs.FS
	sources map[string]*source // nil for a file that cannot be read
}

// source is a script or notebook.
type source struct {
	path    string
	file    pysource.File
	text    []byte
	imports []string // files of the project that it imports, sorted
	looked  bool     // imports is known
}

func newProject(dir fs.FS) *project { return &project{dir: dir, sources: map[string]*source{}} }

// source returns a file of the project; nil where it is not there or cannot be read.
func (p *project) source(name string) *source {
	if s, ok := p.sources[name]; ok {
		return s
	}
	p.sources[name] = nil
	info, err := fs.Stat(p.dir, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return nil
	}
	text, err := fs.ReadFile(p.dir, name)
	if err != nil {
		return nil
	}
	s := &source{path: name, text: text}
	if path.Ext(name) == ".ipynb" {
		n, err := pysource.ReadNotebook(text)
		if err != nil {
			return nil
		}
		s.file = pysource.Scan(n.Code)
	} else {
		s.file = pysource.Scan(text)
	}
	p.sources[name] = s
	return s
}

// exists reports whether a file is there, links followed.
func (p *project) exists(name string) bool {
	info, err := fs.Stat(p.dir, name)
	return err == nil && !info.IsDir()
}

// local returns the files of the project that s imports itself.
func (p *project) local(s *source) []string {
	if s.looked {
		return s.imports
	}
	s.looked = true
	found := map[string]bool{}
	folder := path.Dir(s.path)
	for _, i := range s.file.Imports {
		bases := []string{".", folder}
		module := i.Module
		if rest := strings.TrimLeft(module, "."); rest != module {
			above := folder
			for range len(module) - len(rest) - 1 {
				above = path.Dir(above)
			}
			bases, module = []string{above}, rest
		}
		for _, base := range bases {
			where := path.Join(base, strings.ReplaceAll(module, ".", "/"))
			p.module(where, found)
			for _, name := range i.Names {
				p.module(path.Join(where, name), found)
			}
		}
	}
	delete(found, s.path)
	for name := range found {
		s.imports = append(s.imports, name)
	}
	slices.Sort(s.imports)
	return s.imports
}

// module adds the file of a module to found, and those of the packages that it is in.
func (p *project) module(where string, found map[string]bool) {
	if !fs.ValidPath(where) {
		return
	}
	for _, name := range []string{where + ".py", path.Join(where, "__init__.py")} {
		if p.source(name) != nil {
			found[name] = true
		}
	}
	for dir := path.Dir(where); dir != "."; dir = path.Dir(dir) {
		if name := path.Join(dir, "__init__.py"); p.source(name) != nil {
			found[name] = true
		}
	}
}

// reach returns s and every file of the project that it imports, directly or not.
func (p *project) reach(s *source) map[string]*source {
	all := map[string]*source{s.path: s}
	for todo := []*source{s}; len(todo) > 0 && len(all) < maxFiles; {
		next := todo[0]
		todo = todo[1:]
		for _, name := range p.local(next) {
			if all[name] == nil {
				all[name] = p.source(name)
				todo = append(todo, all[name])
			}
		}
	}
	return all
}

// files returns the names of files with an ending at a depth of folders: 0 is the project itself. What is there for
// tests, documents and tools, and what others wrote, is left out.
func (p *project) files(depth int, endings ...string) []string {
	var found []string
	_ = fs.WalkDir(p.dir, ".", func(name string, d fs.DirEntry, err error) error {
		level := strings.Count(name, "/")
		switch {
		case err != nil:
			return nil //nolint:nilerr // not ours to read
		case len(found) >= maxFiles:
			return fs.SkipAll
		case name == ".":
			return nil
		case d.IsDir():
			if level >= depth || platform.Foreign(p.dir, name) || slices.Contains(beside, strings.ToLower(d.Name())) {
				return fs.SkipDir
			}
			return nil
		case level != depth || !slices.Contains(endings, path.Ext(name)) || isTool(d.Name()):
			return nil
		}
		found = append(found, name)
		return nil
	})
	return found
}

// beside are folders that hold no app: tests, documents, pages of a Streamlit app, what tools leave.
var beside = []string{
	"test", "tests", "testing", "doc", "docs", "pages", "build", "dist", "env", "venv", "virtualenv", "node_modules", "static", "assets",
	"templates", "migrations", "alembic", "scripts", "tools", "examples", "benchmarks", "data",
}

// isTool reports whether a script is there for a tool and not for users.
func isTool(name string) bool {
	switch name {
	case "setup.py", "conftest.py", "noxfile.py", "fabfile.py", "tasks.py", "manage.py", "versioneer.py", "gunicorn.conf.py", "gunicorn_config.py",
		"voila.py", "jupyter_config.py", "locustfile.py", "_version.py", "__main__.py":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py")
}

// read returns the text of a small file, "" where there is none.
func (p *project) read(name string) string {
	if p.dir == nil {
		return ""
	}
	info, err := fs.Stat(p.dir, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return ""
	}
	text, err := fs.ReadFile(p.dir, name)
	if err != nil {
		return ""
	}
	return string(text)
}
