package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// How often a provider's keys are fetched.
const (
	keysFresh   = time.Hour        // used without asking again, so that a withdrawn key does not live on
	keysStale   = 24 * time.Hour   // used where asking again fails
	fetchWindow = 30 * time.Second // in which unknown key ids, or failures,
	fetchBurst  = 3                // lead to this many fetches at most (security class 11)
	maxKeys     = 1024             // of a set; providers for many tenants list the keys of all
	maxTried    = 64               // of them for one token
)

// keySet is the provider's public keys. A known key is read without a lock and without waiting for the provider. One
// fetch at a time replaces them, in the background; only tokens that need its result wait for it.
type keySet struct {
	call caller
	now  func() time.Time

	latest  atomic.Pointer[fetchedKeys] // nil before the first fetch
	failing atomic.Bool                 // the last fetch failed

	mu      sync.Mutex
	running *keyFetch   // nil where there is none
	begun   []time.Time // fetches of the last fetchWindow
}

// fetchedKeys are what a fetch found. They do not change.
type fetchedKeys struct {
	address string
	keys    []key
	at      time.Time // when the fetch began
}

// keyFetch is a fetch that callers may wait for.
type keyFetch struct {
	address string
	done    chan struct{} // closed at its end; what follows is valid then
	found   *fetchedKeys
	err     error
}

// candidates returns the keys that a token with this key id and algorithm may be signed with, and whether they
// have just been fetched. An unknown id causes a fetch, since keys rotate, unless there were too many lately. So does
// again, for a signature that a known key does not fit: some providers give a new key the old id, or none. Keys that
// are no longer fresh are used while they cannot be fetched.
func (k *keySet) candidates(ctx context.Context, address, kid, alg string, again bool) ([]key, bool, error) {
	known := k.known(address)
	matching := known.matching(kid, alg)
	usable := len(matching) > 0 && k.now().Sub(known.at) < keysStale
	if usable && !again && k.now().Sub(known.at) < keysFresh {
		return matching, false, nil
	}
	f := k.begin(ctx, address, known)
	switch {
	case usable && (f == nil || !again && k.failing.Load()):
		return matching, false, nil
	case f == nil && (known == nil || len(matching) > 0):
		return nil, false, fmt.Errorf("%w: its keys could not be fetched", ErrUnavailable)
	case f == nil:
		return nil, false, fmt.Errorf("%w: signed with an unknown key", ErrToken)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, false, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	switch {
	case f.err != nil && usable:
		return matching, true, nil
	case f.err != nil:
		return nil, false, f.err
	}
	if matching = f.found.matching(kid, alg); len(matching) == 0 {
		return nil, true, fmt.Errorf("%w: signed with an unknown key", ErrToken)
	}
	return matching, true, nil
}

// known returns the keys that were fetched last from an address, nil where there are none.
func (k *keySet) known(address string) *fetchedKeys {
	if latest := k.latest.Load(); latest != nil && latest.address == address {
		return latest
	}
	return nil
}

// renew fetches keys that are in use, unless they stay fresh for as long as it takes until it is called again.
func (k *keySet) renew(ctx context.Context, address string) {
	if known := k.known(address); known != nil && k.now().Sub(known.at) >= keysFresh-refindEvery {
		k.begin(ctx, address, known)
	}
}

// begin returns a fetch that brings other keys than the known ones: the one under way, or a new one. It is nil where
// there have been too many. What is fetched serves all callers, so a client that leaves does not stop it.
func (k *keySet) begin(ctx context.Context, address string, known *fetchedKeys) *keyFetch {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.running != nil && k.running.address == address {
		return k.running
	}
	f := &keyFetch{address: address, done: make(chan struct{})}
	if f.found = k.known(address); f.found != known { // another has fetched them meanwhile
		close(f.done)
		return f
	}
	now := k.now()
	if !k.mayFetch(now) {
		return nil
	}
	k.running = f
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer close(f.done)
		keys, err := k.fetch(ctx, address) // takes callTimeout at most
		k.mu.Lock()
		defer k.mu.Unlock()
		if f.err = err; err == nil {
			f.found = &fetchedKeys{address, keys, now}
			k.latest.Store(f.found)
		}
		k.failing.Store(err != nil)
		if k.running == f {
			k.running = nil
		}
	}()
	return f
}

// mayFetch counts a fetch, unless there have been too many.
func (k *keySet) mayFetch(now time.Time) bool {
	kept := k.begun[:0]
	for _, t := range k.begun {
		if age := now.Sub(t); age >= 0 && age < fetchWindow {
			kept = append(kept, t)
		}
	}
	k.begun = kept
	if len(kept) >= fetchBurst {
		return false
	}
	k.begun = append(k.begun, now)
	return true
}

// fetch returns the usable keys of the set. Keys of a kind that is not known are left out, not an error:
// providers add new kinds beside the old.
func (k *keySet) fetch(ctx context.Context, address string) ([]key, error) {
	var set jsonObject
	if err := k.call.get(ctx, address, &set); err != nil {
		return nil, err
	}
	var listed []json.RawMessage // nil where there is something else
	_ = json.Unmarshal(set["keys"], &listed)
	var keys []key
	for _, raw := range listed {
		if parsed, ok := parseKey(raw); ok && len(keys) < maxKeys {
			keys = append(keys, parsed)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: %s lists no usable key", ErrUnavailable, address)
	}
	return keys, nil
}

// matching returns the keys for a key id, or for any where a token names none, that fit the algorithm: maxTried at most.
func (f *fetchedKeys) matching(kid, alg string) []key {
	if f == nil {
		return nil
	}
	var found []key
	for _, key := range f.keys {
		if (kid == "" || key.KeyID == kid) && (key.Algorithm == "" || key.Algorithm == alg) && fits(key, alg) && len(found) < maxTried {
			found = append(found, key)
		}
	}
	return found
}
