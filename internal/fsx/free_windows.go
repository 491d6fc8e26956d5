package fsx

import "golang.org/x/sys/windows"

// Free returns how many bytes this user may still write to the file system of path; false if the system does not say.
func Free(path string) (bytes int64, known bool) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, false
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, false
	}
	return int64(free), true
}
