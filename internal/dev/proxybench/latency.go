package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

const (
	pacedRate  = 200 // requests a second, whether or not the last ones have been answered
	pacedConns = 32  // connections that take turns; more than are ever busy at one time
)

// A delay is how long answers took, in seconds and round by round.
type delay struct{ p50, p99 series.Series }

// latency asks at a fixed rate, which no contestant is ever busy with, and measures how long each answer takes.
func (b *bench) latency(ctx context.Context, doors []door) (map[string]*delay, error) {
	b.say("latency at %d requests/s: %d contestants, %d rounds of %s", pacedRate, len(doors), b.rounds, b.paced)
	all := map[string]*delay{}
	for _, d := range doors {
		all[d.name] = &delay{}
	}
	err := inTurns(b.rounds, len(doors), func(_, who int) error {
		d := doors[who]
		if err := d.check(ctx, smallPath, smallSize); err != nil {
			return err
		}
		took, err := paced(ctx, d, b.paced)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		all[d.name].p50 = append(all[d.name].p50, took.Quantile(0.50))
		all[d.name].p99 = append(all[d.name].p99, took.Quantile(0.99))
		return nil
	})
	return all, err
}

// paced sends requests at the fixed rate and returns how long each took, in seconds. The time runs from the
// write to the last byte of the answer: what the clock that paces is late by is nobody's.
func paced(ctx context.Context, d door, slice time.Duration) (series.Series, error) {
	request := "GET " + smallPath + " HTTP/1.1\r\nHost: " + d.address + "\r\n"
	if d.header != "" {
		request += d.header + "\r\n"
	}
	request += "\r\n"
	group, ctx := errgroup.WithContext(ctx)
	var (
		start = make(chan struct{}, pacedConns)
		mu    sync.Mutex
		all   series.Series
	)
	for range pacedConns {
		c, err := net.Dial("tcp", d.address)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		group.Go(func() error {
			answers := bufio.NewReader(c)
			var own series.Series
			for first := true; ; first = false {
				if _, more := <-start; !more {
					break
				}
				took, err := roundTrip(c, answers, request)
				if err != nil {
					return err
				}
				if !first { // it opens the way to the app
					own = append(own, took.Seconds())
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			return nil
		})
	}
	clock := time.NewTicker(time.Second / pacedRate)
	defer clock.Stop()
	for range int(slice.Seconds() * pacedRate) {
		select {
		case <-clock.C:
		case <-ctx.Done():
		}
		select {
		case start <- struct{}{}:
		case <-ctx.Done(): // also after an error of a worker
		}
	}
	early := ctx.Err()
	close(start)
	return all, cmp.Or(group.Wait(), early)
}

func roundTrip(c net.Conn, answers *bufio.Reader, request string) (time.Duration, error) {
	begin := time.Now()
	if err := c.SetDeadline(begin.Add(10 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, answer.Body)
	took := time.Since(begin)
	_ = answer.Body.Close() // read to its end
	if err == nil && (answer.StatusCode != http.StatusOK || n != smallSize) {
		err = fmt.Errorf("answer %s with %d bytes", answer.Status, n)
	}
	return took, err
}
