package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// record describes an instance to the next run of the platform. It is written before the process starts, with the mark
// by which the process is found if the platform is killed before it can write down more.
type record struct {
	Mark    string `json:"mark"`              // value of markName
	Boot    string `json:"boot,omitempty"`    // bootID
	PID     int    `json:"pid,omitempty"`     // of the leader of the session
	Started uint64 `json:"started,omitempty"` // as in row
	Ready   bool   `json:"ready,omitempty"`   // it has responded
	Port    int    `json:"port,omitempty"`
	Base    string `json:"base,omitempty"`
	Group   group  `json:"group,omitempty"`
	Memory  int64  `json:"memory,omitempty"` // limit in bytes

	Dir     string   `json:"dir"`
	Command string   `json:"command,omitempty"` // of the shell
	Output  string   `json:"output"`
	From    int64    `json:"from,omitempty"`    // size of Output when the process started
	Cleanup []string `json:"cleanup,omitempty"` // as in platform.Command
	Environ []string `json:"environ,omitempty"` // for Cleanup; holds no variable of the app
}

// recordName is the file in InstanceSpec.Home.
const recordName = "instance.json"

// write replaces the record in one step. It is not flushed to the disk: after a power failure there is no process either.
func (r *record) write(home string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := filepath.Join(home, recordName)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("record the app's process: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("record the app's process: %w", err)
	}
	return nil
}

// readRecord returns the record in home. The error wraps fs.ErrNotExist if there is none, or none that can be read, as
// after a power failure.
func readRecord(home string) (record, error) {
	var r record
	data, err := os.ReadFile(filepath.Join(home, recordName))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil || r.Mark == "" {
		return r, fmt.Errorf("%s is damaged: %w", filepath.Join(home, recordName), errors.Join(fs.ErrNotExist, err))
	}
	return r, nil
}
