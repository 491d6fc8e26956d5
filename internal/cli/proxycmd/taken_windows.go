package proxycmd

import "golang.org/x/sys/windows"

// errTaken says that another program listens on an address.
const errTaken = windows.WSAEADDRINUSE
