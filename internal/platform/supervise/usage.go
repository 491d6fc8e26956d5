package supervise

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"
)

// Usage is what an app uses. What the system does not tell is 0.
type Usage struct {
	CPU       time.Duration // of its processes and those that they have collected, since they began
	Memory    int64         // bytes that would be free without it
	Processes int
}

// Usage returns what the app uses now. It reads the whole table of processes: ask for it every few seconds at most.
func (i *Instance) Usage() Usage {
	var u Usage
	for _, r := range i.members() {
		u.CPU += r.cpu
		u.Memory += privateMemory(r.pid)
		u.Processes++
	}
	return u
}

// DiskUsage returns the sum of the sizes of the files below folders, in bytes. A folder that does not exist is empty.
func DiskUsage(dirs ...string) (int64, error) {
	var sum int64
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				var info fs.FileInfo
				if info, err = d.Info(); err == nil {
					sum += info.Size()
				}
			}
			if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
				return nil
			}
			return err
		})
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
