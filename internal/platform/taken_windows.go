package platform

import "golang.org/x/sys/windows"

// ErrTaken says that another program listens on an address.
const ErrTaken = windows.WSAEADDRINUSE
