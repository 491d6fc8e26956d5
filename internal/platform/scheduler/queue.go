package scheduler

import "sync"

// queue holds the versions that wait for a build, first come, first served. It has no limit: each version is a
// deployment in the store anyway.
type queue struct {
	mu     sync.Mutex
	wake   *sync.Cond
	waits  []*version
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.wake = sync.NewCond(&q.mu)
	return q
}

func (q *queue) add(v *version) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waits = append(q.waits, v)
	q.wake.Signal()
}

// next waits for a version. It returns nil once the queue is closed.
func (q *queue) next() *version {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waits) == 0 && !q.closed {
		q.wake.Wait()
	}
	if q.closed {
		return nil
	}
	v := q.waits[0]
	q.waits = q.waits[1:]
	return v
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Broadcast()
}
