package fsx

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// keepBelongings gives f the access list of t.
func keepBelongings(f *os.File, t target) error {
	old, err := windows.GetNamedSecurityInfo(t.path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return err
	}
	list, _, err := old.DACL()
	if err != nil {
		return err
	}
	control, _, err := old.Control()
	if err != nil {
		return err
	}
	var what windows.SECURITY_INFORMATION = windows.DACL_SECURITY_INFORMATION | windows.UNPROTECTED_DACL_SECURITY_INFORMATION
	if control&windows.SE_DACL_PROTECTED != 0 {
		what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	}
	return windows.SetNamedSecurityInfo(f.Name(), windows.SE_FILE_OBJECT, what, nil, nil, list, nil)
}

func links(fs.FileInfo) uint64 { return 1 } // a rename breaks hard links here
