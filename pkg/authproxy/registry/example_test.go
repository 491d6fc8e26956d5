package registry_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
)

// user owns connections for as long as their session lasts.
type user struct{ session registry.Key }

func (u user) Key() registry.Key                { return u.session }
func (u user) Check(time.Time) registry.Verdict { return registry.Keep }
func (u user) Alive(time.Time, bool) bool       { return true }
func (u user) IdleTimeout() time.Duration       { return time.Hour }

// download is a transfer that says when it is ended.
type download string

func (d download) Moved() bool { return false }
func (d download) Close() error {
	fmt.Println(d, "ends")
	return nil
}

// A logout ends what is in flight for the session, and nothing else.
func Example() {
	inFlight := registry.New(time.Now)
	ann, bob := user{registry.Key{1}}, user{registry.Key{2}}
	for owner, transfer := range map[user]download{ann: "Ann's download", bob: "Bob's download"} {
		defer inFlight.Add(context.Background(), owner, transfer).Remove()
	}
	inFlight.End(ann.session)
	// Output: Ann's download ends
}
