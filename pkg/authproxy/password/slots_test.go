package password

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Apps of one process together compute no more hashes at a time than there are slots, and a client that leaves waits for
// none.
func TestSlotsAreShared(t *testing.T) {
	t.Parallel()
	const most = 2
	slots := NewHashSlots(most)
	var running, highest atomic.Int64
	began, finish := make(chan struct{}, 100), make(chan struct{})
	var all sync.WaitGroup
	for range 10 {
		c, err := NewChecker(Options{Logins: []Login{{Name: "ann", Password: "pw"}}, Cost: bcrypt.MinCost, Now: time.Now, Random: rand.Reader, Slots: slots})
		if err != nil {
			t.Fatal(err)
		}
		c.compare = func(_, _ []byte) error {
			n := running.Add(1)
			defer running.Add(-1)
			for before := highest.Load(); n > before && !highest.CompareAndSwap(before, n); before = highest.Load() {
			}
			began <- struct{}{}
			<-finish
			return nil
		}
		all.Go(func() {
			if got := c.Check(context.Background(), "", "ann", "pw", here).Verdict; got != Right {
				t.Errorf("%v, want Right", got)
			}
		})
	}
	for range most {
		<-began
	}
	c, _ := newChecker(t, Login{Name: "bob", Password: "pw"})
	c.slots = slots
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if got := c.Check(gone, "", "bob", "pw", here).Verdict; got != Busy {
		t.Errorf("a client that has left while all slots are taken: %v, want Busy", got)
	}
	close(finish)
	all.Wait()
	if n := highest.Load(); n != most {
		t.Errorf("%d hashes at a time, want %d", n, most)
	}
}
