package supervise

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// mirror copies what matches patterns in project to the folder to. Links are followed as far as project does.
func mirror(project fs.FS, to string, patterns []string) error {
	for _, pattern := range patterns {
		names, err := fs.Glob(project, pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := copyTree(project, name, filepath.Join(to, filepath.FromSlash(name))); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyTree(project fs.FS, name, to string) error {
	info, err := fs.Stat(project, name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil
		}
		data, err := fs.ReadFile(project, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	}
	if err := os.Mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := fs.ReadDir(project, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			continue // below the top a link may lead round in circles
		}
		if err := copyTree(project, path.Join(name, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
