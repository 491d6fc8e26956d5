// Package ptrace runs a program and kills it at a chosen system call, so that a test can stop it at every point
// where it touches a file. Linux alone; it must not know what the program does.
package ptrace
