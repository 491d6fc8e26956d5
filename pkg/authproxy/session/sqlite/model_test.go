package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Whatever is done in whatever order, a store in a file answers as one in memory, restarts in between or not.
func TestAsInMemory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		path, ctx := newPath(t), context.Background()
		s, memory := open(t, path), session.NewMemory(0)
		defer func() { _ = s.Close() }()
		now, made, keys := epoch, 0, []session.Key{{}}
		var versions []*session.Session
		wantSame := func(what string, got, want error) {
			r.Helper()
			if errors.Is(got, session.ErrNotFound) != errors.Is(want, session.ErrNotFound) || (got == nil) != (want == nil) {
				r.Fatalf("%s: %v, in memory %v", what, got, want)
			}
		}
		check := func(key session.Key) {
			r.Helper()
			got, err := s.Use(ctx, key, now)
			want, wantErr := memory.Use(ctx, key, now)
			wantSame("use", err, wantErr)
			if err == nil && (got.Key != want.Key || !slices.Equal(got.Tags, want.Tags) || got.Grants[0] != want.Grants[0]) {
				r.Fatalf("use: %+v, in memory %+v", got, want)
			}
		}
		draw := func() session.Key { return rapid.SampledFrom(keys).Draw(r, "key") }
		make := func() *session.Session {
			made++
			p := newSession(made)
			p.Tags = []string{fmt.Sprint(rapid.IntRange(0, 3).Draw(r, "tag")), "x"}[:rapid.IntRange(0, 2).Draw(r, "tags")]
			p.Created, p.Expires = now, now.Add(time.Duration(rapid.IntRange(1, 60).Draw(r, "lifetime"))*time.Minute)
			return p
		}
		r.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				p := make()
				wantSame("put", s.Create(ctx, p), memory.Create(ctx, p))
				keys, versions = append(keys, p.Key), append(versions, p)
			},
			"replace": func(*rapid.T) {
				if len(versions) == 0 {
					return
				}
				old, p := rapid.SampledFrom(versions).Draw(r, "old"), make()
				p.Version = old.Version + 1
				switch rapid.SampledFrom([]string{"in place", "rotated", "renamed"}).Draw(r, "how") {
				case "in place":
					p.Key, p.Former = old.Key, old.Former
				case "rotated":
					until := now.Add(time.Duration(rapid.IntRange(0, 300).Draw(r, "good for")) * time.Second)
					p.Former = append(slices.Clone(old.Former), session.Former{Key: old.Key, Until: until})
				}
				check(old.Key) // what has expired is only then sure to have ended
				got, err := s.Replace(ctx, old, p)
				want, wantErr := memory.Replace(ctx, old, p)
				wantSame("replace", err, wantErr)
				if err == nil && ((got == p) != (want == p) || got.Key != want.Key || got.Version != want.Version) {
					r.Fatalf("replace: %+v, in memory %+v", got, want)
				}
				keys, versions = append(keys, p.Key), append(versions, p)
			},
			"claim": func(*rapid.T) {
				key, owner, until := draw(), session.Owner{byte(rapid.IntRange(1, 2).Draw(r, "owner"))}, now.Add(time.Minute)
				check(key)
				got, ours, err := s.Claim(ctx, key, owner, now, until)
				want, wantOurs, wantErr := memory.Claim(ctx, key, owner, now, until)
				wantSame("claim", err, wantErr)
				if err == nil && (ours != wantOurs || got.Key != want.Key || got.Version != want.Version) {
					r.Fatalf("claim: %v, %+v, in memory %v, %+v", ours, got, wantOurs, want)
				}
			},
			"use": func(*rapid.T) { check(draw()) },
			"delete": func(*rapid.T) {
				key := draw()
				check(key) // as above
				got, err := s.Delete(ctx, key)
				want, wantErr := memory.Delete(ctx, key)
				wantSame("delete", err, wantErr)
				if !slices.Equal(got, want) {
					r.Fatalf("delete: %x, in memory %x", got, want)
				}
				check(key)
			},
			"tagged": func(*rapid.T) {
				for _, key := range keys { // as above
					check(key)
				}
				tag := []string{"0", "1", "2", "3", "x", "y"}[rapid.IntRange(0, 5).Draw(r, "tag")]
				got, err := s.DeleteTagged(ctx, tag)
				want, wantErr := memory.DeleteTagged(ctx, tag)
				wantSame("tagged", err, wantErr)
				compare := func(a, b session.Key) int { return slices.Compare(a[:], b[:]) }
				slices.SortFunc(got, compare)
				slices.SortFunc(want, compare)
				if !slices.Equal(got, want) {
					r.Fatalf("tagged: %d keys, in memory %d", len(got), len(want))
				}
			},
			"wait": func(*rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 500).Draw(r, "seconds")) * time.Second)
			},
			"restart": func(*rapid.T) {
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = open(t, path)
			},
			"forget": func(*rapid.T) { s.dirty.add(s.cache.clear()...); _ = s.flush(ctx) },
			"clean": func(*rapid.T) {
				s.now = func() time.Time { return now }
				if err := s.clean(ctx); err != nil {
					r.Fatal(err)
				}
			},
		})
	})
}
