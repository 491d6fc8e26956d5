package supervise

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// mirror copies what matches patterns in from to the folder to. Links are followed, as a reader of the project
// would.
func mirror(from, to string, patterns []string) error {
	project := os.DirFS(from)
	for _, pattern := range patterns {
		names, err := fs.Glob(project, pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := copyTree(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyTree(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	}
	if err := os.Mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			continue // below the top a link may lead round in circles
		}
		if err := copyTree(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
