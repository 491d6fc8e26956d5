package cli

import (
	"context"
	"io"
	"net/http"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/cli/examplescmd"
	"github.com/ploomber/ploomber-cloud/internal/remote"
)

func (e *env) examples() examplescmd.Options {
	return examplescmd.Options{IO: e.io, Ask: e.ask, Dir: e.system.Dir, Catalog: e.catalog}
}

// catalog returns the examples, cached in the user's home folder.
func (e *env) catalog() (catalog.Catalog, error) {
	home, err := e.settings.Home()
	if err != nil {
		return catalog.Catalog{}, err
	}
	fetch := func(ctx context.Context, url string, header http.Header, limit int64, w io.Writer) error {
		client, err := e.downloads()
		if err != nil {
			return err
		}
		e.io.Err.Note("Downloading the latest examples...")
		return client.Get(ctx, remote.Request{URL: url, Header: header, Limit: limit}, w)
	}
	return catalog.Catalog{Home: home, Now: e.system.Now, URL: e.settings.ExamplesURL(), Fetch: fetch}, nil
}
