// Package listeners finds the addresses on which processes listen.
package listeners
