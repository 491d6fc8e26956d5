package logscmd

import (
	"context"
	"errors"

	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// source is one of the two logs.
type source struct {
	kind  string // of cloudapi.LogQuery
	title string
}

// sources are the logs that are wanted.
func (o *Options) sources() []source {
	build, app := source{"build", "Build log"}, source{"app", "App log"}
	switch o.Type {
	case "docker":
		return []source{build}
	case "web":
		return []source{app}
	}
	return []source{build, app}
}

// received is what a log's goroutine passes on: a line, or why there will be none for a while.
type received struct {
	from source
	line string
	err  error
}

// stream prints each line as the platform sends it, until ctx ends. cloudapi.ErrUnsupported means that the host has no streams.
func (o *Options) stream(ctx context.Context, api *cloudapi.Client) error {
	all := o.sources()
	after := make([]string, len(all)) // position of the last line, for each log
	for i, from := range all {
		last, err := o.soFar(ctx, api, from)
		if err != nil {
			return err
		}
		after[i] = last
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(chan received)
	for i, from := range all {
		go o.listen(ctx, api, from, after[i], lines)
	}
	return o.print(ctx, all, lines)
}

// soFar prints the lines that are there now, the last ones if only those are wanted, and returns the position of the last.
func (o *Options) soFar(ctx context.Context, api *cloudapi.Client, from source) (last string, err error) {
	since, err := o.since()
	if err != nil {
		return "", err
	}
	var lines []string
	err = api.LogLines(ctx, o.ProjectID, cloudapi.LogQuery{Type: from.kind}, func(l cloudapi.LogLine) error {
		last = l.Position
		if at, timed := flow.LineTime(l.Text); timed && !since.IsZero() && !at.After(since) {
			return nil
		}
		lines = append(lines, l.Text)
		if o.Tail >= 0 && len(lines) > o.Tail {
			lines = lines[len(lines)-o.Tail:]
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if !o.IO.JSON && o.Type == "" {
		o.IO.Out.Println(o.IO.Out.Bold(from.title))
	}
	for _, line := range lines {
		if err := o.printLine(from, line); err != nil {
			return "", err
		}
	}
	return last, nil
}

// listen passes on the lines behind a position. Where the connection is lost it goes on behind the last line.
func (o *Options) listen(ctx context.Context, api *cloudapi.Client, from source, after string, lines chan<- received) {
	send := func(r received) bool {
		select {
		case lines <- r:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for ctx.Err() == nil {
		err := api.LogLines(ctx, o.ProjectID, cloudapi.LogQuery{Type: from.kind, Follow: true, After: after}, func(l cloudapi.LogLine) error {
			after = l.Position
			send(received{from: from, line: l.Text})
			return ctx.Err()
		})
		if err != nil && !send(received{from: from, err: err}) {
			return
		}
		if o.Sleep(ctx, retryStream) != nil {
			return
		}
	}
}

// print prints what the goroutines pass on. An error that does not pass ends it.
func (o *Options) print(ctx context.Context, all []source, lines <-chan received) error {
	shown := all[len(all)-1] // whose lines were printed last
	troubled := false
	for {
		var r received
		select {
		case r = <-lines:
		case <-ctx.Done():
			return ctx.Err()
		}
		var told *cloudapi.Error
		switch {
		case r.err == nil:
			troubled = false
		case !errors.As(r.err, &told) || !told.Passing():
			return r.err
		case !troubled:
			troubled = true
			o.IO.Err.Warn("%v. Trying again.", r.err)
			continue
		default:
			continue
		}
		if r.from != shown && !o.IO.JSON {
			o.IO.Out.Println(o.IO.Out.Bold(r.from.title))
		}
		shown = r.from
		if err := o.printLine(r.from, r.line); err != nil {
			return err
		}
	}
}

func (o *Options) printLine(from source, line string) error {
	if o.Timestamps {
		line = o.timed(line)
	}
	r := result{JobID: o.JobID}
	if from.kind == "build" {
		r.Build = &line
	} else {
		r.App = &line
	}
	return o.IO.Result(r, func(out *term.Stream) { out.Println(term.Plain(line)) })
}
