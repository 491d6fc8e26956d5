// Package nowait makes system calls on sockets that do not block. It must not know what is said over them.
package nowait
