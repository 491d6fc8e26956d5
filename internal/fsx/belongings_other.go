//go:build !linux

package fsx

import "os"

func keepFlags(*os.File, string) error { return nil }

func isMountPoint(string) bool { return false } // where there are some, the rename fails
