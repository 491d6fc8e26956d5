package build

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/pysource"
)

// The project's own Python determines its requirements, since it reads encodings, shell words, TOML and Python
// like pip does.
//
//go:embed inspect/*.py
var inspector embed.FS

// report is what the inspector prints.
type report struct {
	Version  string // of Python, such as 3.11.7
	Platform string // linux-x86_64
	Path     string // of the installation itself, where the interpreter found belongs to a virtual environment

	Source        string   // where the requirements come from, for messages
	Guessed       bool     // whether it lists the imports of the code, because no file lists requirements
	File          string   // the project's requirements file, or "" where Lines says what it needs
	UVFile        string   `json:"uv_file"` // what uv reads in place of Lines; may be ""
	Lines, Pins   []string // requirements and constraints
	Paths         []string // folders with modules of the project
	Indexes       []string // package indexes that the project names; what one of them has is taken from there
	Parts         []string // what decides about the installation, besides Local
	Local         [][]any  // kind, path and state of what is taken from this machine
	Names         []string // distributions that are asked for
	Hashed        bool     // whether every distribution has to have a hash
	RequireHashes bool     `json:"require_hashes"`
	Pre, Index    bool     // whether the requirements files say --pre and --index-url
	Options       []string // lines of the requirements files that say where packages come from and which files of them
	Trusted       []string // hosts of --trusted-host in requirements files
	PipOnly       string   `json:"pip_only"` // why uv would not do the same; "" where it does
	UVOnly        string   `json:"uv_only"`  // why pip cannot
	Requires      string   // versions of Python that the project asks for, where this one is not among them
	Warnings      []string

	Settings map[string]string // the user's, by pip's names

	Problem, Hint string // what is wrong with the project

	dir, python string // that was inspected, and the program that did it
}

// changesInPlace reports whether packages come from this machine that can change under the same name. Those of a wheelhouse
// outside the project, which a setting of pip names for all projects, do not.
func (r report) changesInPlace() bool {
	return slices.ContainsFunc(r.Local, func(state []any) bool {
		path, _ := state[1].(string)
		inside, err := filepath.Rel(r.dir, path)
		return state[0] != "links" || err == nil && filepath.IsLocal(inside)
	})
}

// question is what the inspector is asked.
type question struct {
	Dir         string       `json:"dir"`
	Environment *environment `json:"environment,omitempty"`
	Package     string       `json:"package,omitempty"` // distribution of the framework

	Distributions map[string]string `json:"distributions"`    // of modules whose names differ
	Before        float64           `json:"before,omitempty"` // Unix time; newer files of local projects are ignored
}

// environment is what the inspector needs of an environment.yml: Python's own library reads no YAML.
type environment struct {
	Name  string   `json:"name"`
	Conda []string `json:"conda"`
	Pip   []string `json:"pip"`
}

// inspectWith runs the inspector. Files of local projects count only if they are older than before, where it is not zero.
func (b *Builder) inspectWith(ctx context.Context, p Project, python string, before time.Time) (report, error) {
	script, err := b.inspectorPath()
	if err != nil {
		return report{}, fmt.Errorf("write to the cache folder: %w", err)
	}
	q := question{Dir: p.Dir, Package: distribution(p), Distributions: pysource.Distributions()}
	if !before.IsZero() {
		q.Before = float64(before.UnixMicro()) / 1e6
	}
	if q.Environment, err = readEnvironment(p.Dir); err != nil {
		return report{}, err
	}
	asked, err := json.Marshal(q)
	if err != nil {
		return report{}, err
	}
	var out strings.Builder
	// -I keeps modules of the project, which is the working folder, from being taken for Python's own.
	err = b.Run(ctx, platform.Command{
		Path: python, Args: []string{"-I", "-W", "ignore", script, string(asked)}, Dir: p.Dir, Output: &out, Background: b.Hosting,
		Env: b.visible(), // the user's settings of pip and uv are among them
	})
	if ctx.Err() != nil {
		return report{}, ctx.Err()
	}
	var r report
	if err == nil {
		// There is no line break in the report but where a long line was cut.
		printed := strings.ReplaceAll(out.String(), "\n", "")
		err = json.Unmarshal([]byte(printed[max(0, strings.LastIndex(printed, `{"version"`)):]), &r)
	}
	if err != nil {
		return report{}, &platform.Problem{
			Reason: platform.ReasonPython, Msg: python + " does not work as Python 3", Err: err, Output: strings.Split(redact(strings.TrimSpace(out.String())), "\n"),
			Hint: "install Python 3 with its venv module",
		}
	}
	if r.Problem != "" {
		return report{}, &platform.Problem{Reason: platform.ReasonBuild, Msg: redact(r.Problem), Hint: r.Hint}
	}
	r.dir, r.python = p.Dir, python
	return r, nil
}

// inspectorFiles returns the files of the inspector, and a name that differs whenever they do.
func inspectorFiles() (name string, files map[string][]byte, err error) {
	names, err := fs.Glob(inspector, "inspect/*.py")
	if err != nil {
		return "", nil, err
	}
	var parts []string
	files = map[string][]byte{}
	for _, name := range names {
		content, err := inspector.ReadFile(name)
		if err != nil {
			return "", nil, err
		}
		files[path.Base(name)] = content
		parts = append(parts, name, string(content))
	}
	return "inspect-" + digest(parts...), files, nil
}

// inspectorPath writes the inspector to the cache, unless it is there, and returns its main file.
func (b *Builder) inspectorPath() (string, error) {
	name, files, err := inspectorFiles()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.tools(), name)
	if _, err := os.Stat(dir); err == nil {
		return filepath.Join(dir, "main.py"), nil
	}
	if err := os.MkdirAll(b.tools(), 0o700); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(b.tools(), "inspect-*.new")
	if err != nil {
		return "", err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(fresh, name), content, 0o600); err != nil {
			return "", err
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		_ = os.RemoveAll(fresh)
		if _, there := os.Stat(dir); there != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "main.py"), nil
}

// readEnvironment reads the environment.yml of conda; nil where there is none.
func readEnvironment(dir string) (*environment, error) {
	for _, name := range []string{"environment.yml", "environment.yaml"} {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var content struct {
			Dependencies []yaml.Node `yaml:"dependencies"`
		}
		if err == nil {
			err = yaml.Unmarshal(data, &content)
		}
		if err != nil {
			return nil, &platform.Problem{Reason: platform.ReasonBuild, Msg: "cannot read " + path, Err: err, Hint: "correct it, or write a requirements.txt"}
		}
		e := &environment{Name: name}
		for _, node := range content.Dependencies {
			var below struct {
				Pip []string `yaml:"pip"`
			}
			var item string
			if node.Decode(&item) == nil {
				e.Conda = append(e.Conda, item)
			} else if node.Decode(&below) == nil {
				e.Pip = append(e.Pip, below.Pip...)
			}
		}
		return e, nil
	}
	return nil, nil
}
