package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

// An outcome is what one contestant cost, round by round.
type outcome struct {
	cpu  series.Series // seconds of the proxy's process tree per request or message
	rate series.Series // requests or messages a second
}

// outcomes are those of one load by the door's name.
type outcomes map[string]*outcome

// A load is what all contestants have to carry.
type load struct {
	name string
	run  func(ctx context.Context, d door, slice time.Duration) (tally, error)
	path string // for the check before each slice
	size int
}

// settled is how long connections that a load has closed may take to be gone everywhere.
const settled = 50 * time.Millisecond

// measure lets the doors take turns, each round in another order.
func (b *bench) measure(ctx context.Context, l load, doors []door) (outcomes, error) {
	b.say("%s: %d contestants, %d rounds of %s", l.name, len(doors), b.rounds, b.slice)
	all := outcomes{}
	for _, d := range doors {
		all[d.name] = &outcome{}
	}
	err := inTurns(b.rounds, len(doors), func(round, who int) error {
		d := doors[who]
		if err := d.check(ctx, l.path, l.size); err != nil {
			return err
		}
		if round == 0 { // warm up: connections to the app, caches, memory
			if _, err := l.run(ctx, d, time.Second); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
		}
		before, err := b.proc.cpu(d.root)
		if err != nil {
			return err
		}
		t, err := l.run(ctx, d, b.slice)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		time.Sleep(settled)
		after, err := b.proc.cpu(d.root)
		if err != nil {
			return err
		}
		o := all[d.name]
		o.cpu = append(o.cpu, (after-before).Seconds()/t.done)
		o.rate = append(o.rate, t.done/t.took.Seconds())
		return nil
	})
	return all, err
}

// inTurns calls f for each contestant in each round. The order rotates, so that nobody always follows the same.
func inTurns(rounds, contestants int, f func(round, who int) error) error {
	for round := range rounds {
		for turn := range contestants {
			if err := f(round, (turn+round)%contestants); err != nil {
				return err
			}
		}
	}
	return nil
}
