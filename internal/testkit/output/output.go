// Package output collects what processes and loggers write, for tests that read it while they go on. It must not
// know who writes.
package output

import (
	"bytes"
	"sync"
)

// Buffer keeps what is written to it. The zero value is empty and ready; it is safe for concurrent use and must not
// be copied.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer // not embedded: its ReadFrom would write behind the lock
}

// Write appends p; it never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all that was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
