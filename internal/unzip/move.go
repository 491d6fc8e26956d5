package unzip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// mover gives unpacked files their names and can undo all of it.
type mover struct {
	root    *os.Root
	from    *os.Root // root too, or a folder outside it
	fresh   string   // folder of from with the unpacked files
	undoing []func() // steps back, in the order of the steps forward
}

// place moves one entry from the staging folder to its name.
func (m *mover) place(e entry) error {
	target := filepath.FromSlash(e.name)
	there, err := checkFree(m.root, e) // again: it may have changed while unpacking
	if there || err != nil {
		return err
	}
	if e.isDir() {
		return m.placeFolder(target)
	}
	if err := m.name(filepath.Join(m.fresh, target), target); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s %w", filepath.Join(m.root.Name(), target), ErrExists)
		}
		return err
	}
	m.undoing = append(m.undoing, func() { _ = m.root.Remove(target) })
	return nil
}

func (m *mover) placeFolder(target string) error {
	err := m.root.Mkdir(target, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		m.undoing = append(m.undoing, func() { _ = m.root.Remove(target) })
	}
	return err
}

// name gives the file from the name to, which must be free. A link fails where a rename would replace; systems
// without links get the rename.
func (m *mover) name(from, to string) error {
	if m.from != m.root {
		return bring(m.from, m.root, from, to)
	}
	err := m.root.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return m.root.Rename(from, to)
}

// undo restores the previous state. It continues after a failure: what is left then does not belong to the user.
func (m *mover) undo() {
	for _, step := range slices.Backward(m.undoing) {
		step()
	}
}
