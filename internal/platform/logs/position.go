package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// position is how far the output of an app was moved to its log. It is saved before the log is written, together with what
// the log looks like before and after: so a process that is killed in between neither repeats nor loses lines.
type position struct {
	Offset       int64 `json:"offset"` // in the output, after the last batch of lines
	Inside       bool  `json:"inside"` // whether that is within a line, whose rest is left out
	Before       int64 `json:"before"` // the same before that batch
	InsideBefore bool  `json:"inside_before"`
	Size         int64 `json:"size"`  // length of the log before the batch
	Batch        int64 `json:"batch"` // length of the batch in the log

	freed int64 // in the output: what is before has no space any more
}

func positionFile(path string) string { return path + ".position" }

// positionLength is that of the file, so that each position replaces all of the one before: in one short write, during which
// a process is not killed, and cheaper than with a new file.
const positionLength = 256

func (p position) save(path string) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(positionFile(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%-*s\n", positionLength-1, data)
	return errors.Join(err, file.Close())
}

// loadPosition returns the beginning if nothing was saved, or nothing that can be read, as after a power failure.
func loadPosition(path string) position {
	data, err := os.ReadFile(positionFile(path))
	var p position
	if err != nil || json.Unmarshal(data, &p) != nil || min(p.Offset, p.Before, p.Size, p.Batch) < 0 {
		return position{}
	}
	return p
}

// resume returns the position at which to go on, and how much of a log of the given size counts: a batch of which only a
// part was written is written again.
func (p position) resume(size int64) (position, int64) {
	if p.Batch == 0 || size >= p.Size+p.Batch {
		return position{Offset: p.Offset, Inside: p.Inside}, size
	}
	return position{Offset: p.Before, Inside: p.InsideBefore}, min(size, p.Size)
}
