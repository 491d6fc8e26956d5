package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

// A footprint is the memory of one contestant, in bytes and round by round.
type footprint struct {
	idle   series.Series // after start and one request
	socket series.Series // what one more idle WebSocket takes; nothing where none was opened
}

// A resident is a contestant whose memory is looked at, alone.
type resident struct {
	name    string // of the door; the first
	start   starter
	sockets bool // it carries WebSockets
}

// footprints starts each contestant anew, with nobody beside it, since processes of one program share memory.
func (b *bench) footprints(ctx context.Context, app *echo, residents []resident) (map[string]*footprint, error) {
	rounds := min(b.rounds, 2) // memory repeats within a few hundredths
	b.say("memory: %d contestants, %d rounds, %d WebSockets each", len(residents), rounds, idleSockets)
	all := map[string]*footprint{}
	for _, r := range residents {
		all[r.name] = &footprint{}
	}
	return all, inTurns(rounds, len(residents), func(_, who int) error {
		r := residents[who]
		p, err := r.start(ctx, app.address)
		if err != nil {
			return err
		}
		return errors.Join(b.footprint(ctx, p, r.sockets, all[r.name]), p.stop())
	})
}

// still is how long a process is left alone before its memory counts.
const still = 2 * time.Second

func (b *bench) footprint(ctx context.Context, p *proxy, sockets bool, f *footprint) error {
	d := p.doors[0]
	if err := d.check(ctx, smallPath, smallSize); err != nil {
		return err
	}
	time.Sleep(still)
	idle, err := b.proc.memory(d.root)
	if err != nil {
		return err
	}
	f.idle = append(f.idle, float64(idle))
	if !sockets {
		return nil
	}
	open, err := openSockets(ctx, d, idleSockets)
	if err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	defer closeSockets(open)
	time.Sleep(still)
	full, err := b.proc.memory(d.root)
	if err != nil {
		return err
	}
	f.socket = append(f.socket, float64(full-idle)/float64(idleSockets))
	return nil
}
