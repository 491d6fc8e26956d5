package wire

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	configPath   = ".ploomber/stats/config.yaml"
	uidPath      = ".ploomber/stats/uid.yaml" // telemetry's own
	metadataPath = ".ploomber/.ploomber-cloud-metadata"
	textLimit    = 1 << 20 // a larger file is compared by its hash only
)

func configText(key string) string {
	return fmt.Sprintf("cloud_key: %s\nstats_enabled: true\nuser_email: null\nversion_check_enabled: true\n", key)
}

// place is the temporary home and project of one case, with a folder around them that must stay as it is.
type place struct {
	root, home, project string
	now                 string // Unix seconds
}

func newPlace(root string, c *Case, now time.Time) (*place, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	p := &place{root, filepath.Join(root, "home"), filepath.Join(root, "work", "project"), seconds(now)}
	for dir, files := range map[string][]File{p.home: c.Home, p.project: c.Project} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		for _, f := range files {
			if err := p.write(filepath.Join(dir, filepath.FromSlash(f.Path)), f); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func seconds(t time.Time) string { return fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000) }

func (p *place) write(name string, f File) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if f.Link != "" {
		return os.Symlink(filepath.FromSlash(f.Link), name)
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, p.content(f))
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err == nil && !f.ModTime.IsZero() {
		err = os.Chtimes(name, f.ModTime, f.ModTime)
	}
	return err
}

func (p *place) content(f File) io.Reader {
	switch {
	case f.Zeros:
		return io.LimitReader(zeros{}, int64(f.Size))
	case f.Size > 0:
		return io.LimitReader(rand.NewChaCha8([32]byte{1}), int64(f.Size)) // incompressible, the same on every run
	}
	return strings.NewReader(strings.NewReplacer("{{HOME}}", p.home, "{{PROJECT}}", p.project, "{{NOW}}", p.now).Replace(f.Text))
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// unfill puts the placeholders back, so that texts of different runs can be compared.
func (p *place) unfill(text string) string {
	return strings.NewReplacer(p.project, "{{PROJECT}}", p.home, "{{HOME}}").Replace(text)
}

// SeenFile is a file as it was found.
type SeenFile struct {
	Sum  sum
	Text string // empty for a large file
	Mode fs.FileMode
}

// Tree is a folder as it was found: every file by its path below the folder, with slashes.
type Tree map[string]SeenFile

// look reads a folder. A file that vanishes meanwhile is left out.
func (p *place) look(dir string) Tree {
	t := Tree{}
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, _ error) error {
		if e == nil || e.IsDir() {
			return nil
		}
		f, err := p.read(name)
		if rel, relErr := filepath.Rel(dir, name); err == nil && relErr == nil {
			t[filepath.ToSlash(rel)] = f
		}
		return nil
	})
	return t
}

func (p *place) read(name string) (f SeenFile, err error) {
	info, err := os.Lstat(name)
	if err != nil {
		return f, err
	}
	f.Mode = info.Mode()
	if f.Mode&fs.ModeSymlink != 0 {
		to, err := os.Readlink(name)
		f.Text, f.Sum = "-> "+to, sha256.Sum256([]byte("-> "+to))
		return f, err
	}
	r, err := os.Open(name)
	if err != nil {
		return f, err
	}
	defer func() { _ = r.Close() }() // only read
	h := sha256.New()
	if info.Size() > textLimit {
		_, err = io.Copy(h, r)
	} else {
		var data []byte
		data, err = io.ReadAll(r)
		h.Write(data)
		f.Text = p.unfill(string(data))
	}
	f.Sum = sum(h.Sum(nil))
	return f, err
}

// outside lists the files that are neither in the home nor in the project.
func (p *place) outside() (names []string) {
	for name := range p.look(p.root) {
		if !strings.HasPrefix(name, "home/") && !strings.HasPrefix(name, "work/project/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// newIn lists what is in dir and was not in before.
func (p *place) newIn(dir string, before Tree) (names []string) {
	for name := range p.look(dir) {
		if _, was := before[name]; !was {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
