package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile limits the size of a configuration file, in bytes.
const maxFile = 1 << 20

// Path resolves the value of --config: "" is the file in dir; a name with a suffix is the file itself and must end
// in .json; one without is a folder that contains it. The result is as the user would write it, relative if config
// is.
func Path(config string) (string, error) {
	clean := filepath.Clean(config)
	switch ext := filepath.Ext(clean); {
	case config == "":
		return FileName, nil
	case ext == "" || ext == "." || ext == filepath.Base(clean) || clean == "..": // hidden names have no suffix
		return filepath.Join(config, FileName), nil
	case ext != ".json":
		return "", fmt.Errorf("%s cannot be a configuration file: its name must end in .json", config)
	default:
		return config, nil
	}
}

// Load reads the file at path. A missing file wraps fs.ErrNotExist; mistakes are an *Invalid that names the path,
// with the valid parts. Config.Base is the content of the file, even if it is invalid.
func Load(path string) (*Config, error) {
	info, err := os.Stat(path) // checked before opening: a pipe without a writer would block
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %w", path, cause(err))
	case info.IsDir():
		return &Config{}, &Invalid{Path: path, Problems: []string{"it is a folder, not a file"}}
	case !info.Mode().IsRegular():
		return &Config{}, &Invalid{Path: path, Problems: []string{"it is not a regular file"}}
	case info.Size() > maxFile:
		return &Config{}, &Invalid{Path: path, Problems: []string{"it is larger than 1 MB"}}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, cause(err))
	}
	defer func() { _ = f.Close() }() // read-only: nothing to lose
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil && info.Size() > 0 {
		return nil, fmt.Errorf("cannot read %s: %w", path, cause(err))
	}
	c, err := Parse(data)
	c.Base = data
	var invalid *Invalid
	if errors.As(err, &invalid) {
		invalid.Path = path
	}
	return c, err
}

func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
