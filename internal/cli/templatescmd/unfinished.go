package templatescmd

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

var errEmptyFolder = errors.New("this template needs an empty directory")

// leftover is what an earlier, killed run of the vllm template has left in the folder. It is empty if the folder
// is empty.
type leftover struct {
	id    string            // of the created project
	env   flow.Env          // with the key, if it was written; otherwise empty
	files map[string][]byte // files of the template
}

// unfinished reads the folder, which must be empty except for such leftovers: the configuration and some, not all,
// of the other files, exactly as the template writes them, so that no user's work is lost.
func (o *Options) unfinished() (leftover, error) {
	entries, err := os.ReadDir(o.Folder.Dir)
	if err != nil {
		return leftover{}, failure.Failedf("cannot read the folder: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return fsx.IsTemporary(e.Name()) })
	left := leftover{files: map[string][]byte{}}
	left.env.Path = flow.Folder{Dir: o.Folder.Dir}.EnvPath()
	if left.env.File, err = dotenv.Parse(nil); err != nil || len(entries) == 0 {
		return left, err
	}
	names := []string{project.FileName, flow.EnvName}
	for _, f := range scaffold.VLLM("", "") {
		names = append(names, f.Name)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !slices.Contains(names, e.Name()) {
			return left, notEmpty(e.Name())
		}
	}
	for _, e := range entries {
		if left.files[e.Name()], err = os.ReadFile(filepath.Join(o.Folder.Dir, e.Name())); err != nil {
			return left, failure.Failedf("cannot read the folder: %w", err)
		}
	}
	if _, begun := left.files[project.FileName]; !begun || len(entries) == len(names) { // it is written first
		return left, notEmpty(entries[0].Name())
	}
	return left, left.adopt()
}

// adopt takes the project and the secrets from the files.
func (l *leftover) adopt() error {
	c, err := project.Parse(l.files[project.FileName])
	if err != nil {
		return notEmpty(project.FileName)
	}
	if made, err := configOf(c.ID).Marshal(); err != nil || !bytes.Equal(made, l.files[project.FileName]) {
		return notEmpty(project.FileName)
	}
	l.id = c.ID
	env, there := l.files[flow.EnvName]
	if !there {
		return nil
	}
	l.env.Exists, l.env.Base = true, env
	if l.env.File, err = dotenv.Parse(env); err != nil {
		return notEmpty(flow.EnvName)
	}
	for _, p := range l.env.Values(nil) {
		if p.Key != scaffold.VLLMKey && p.Key != scaffold.HFToken {
			return notEmpty(flow.EnvName)
		}
	}
	return nil
}

// check refuses leftover files that are for another model.
func (l *leftover) check(model string) error {
	for _, f := range scaffold.VLLM(model, l.id) {
		if text, there := l.files[f.Name]; there && !bytes.Equal(text, f.Data) {
			return notEmpty(f.Name)
		}
	}
	return nil
}

func notEmpty(name string) error {
	return failure.Failedf("%w, and %s is here", errEmptyFolder, name).
		WithHint("run it in a new folder: mkdir my-model && cd my-model")
}
