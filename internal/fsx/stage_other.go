//go:build !linux

package fsx

func stage(t target, data []byte) (staged, error) { return stageNamed(t, data) }
