//go:build !linux

package fsx

import "io/fs"

func stage(dir string, data []byte, mode fs.FileMode) (staged, error) {
	return stageNamed(dir, data, mode)
}
