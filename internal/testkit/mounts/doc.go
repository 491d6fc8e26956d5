// Package mounts lets a test mount files and folders that nothing else on the machine sees. Linux alone, for root.
package mounts
