package bundle

import (
	"context"
	"errors"
	"io"
)

// Write packs to a writer that cannot be emptied, for tests in which nothing has to begin again.
func Write(ctx context.Context, w io.Writer, l *Listing, o Options) (Stats, error) {
	return write(ctx, w, func() error { return errors.New("the writer cannot be emptied") }, l, o)
}
