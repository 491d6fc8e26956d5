package session_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// A user logs in, gets a new id when the tokens are renewed, and logs out with the former one.
func ExampleManager() {
	ctx, now := context.Background(), time.Now()
	secrets := []session.Secret{{1}}
	sessions, err := session.NewManager(session.NewMemory(0), rand.Reader)
	if err != nil {
		panic(err)
	}

	id, err := sessions.Create(ctx, secrets, &session.Session{
		Created: now, Idle: time.Hour, Expires: now.Add(24 * time.Hour),
		Grants: []session.Grant{{Scope: "main_app", Identity: identity.Identity{Name: "ann", AccessToken: "first"}}},
	})
	if err != nil {
		panic(err)
	}

	found, err := sessions.Find(ctx, secrets, id, now)
	if err != nil {
		panic(err)
	}
	_, err = sessions.Rotate(ctx, secrets, id, found.Session, now, func(next *session.Session) bool {
		next.Grants[0].Identity.AccessToken = "second"
		return true
	})
	if err != nil {
		panic(err)
	}

	found, err = sessions.Find(ctx, secrets, id, now)
	fmt.Println(found.Grants[0].Identity.AccessToken, found.ID != id, err)

	ended, err := sessions.End(ctx, id.Key(&secrets[0]))
	fmt.Println(len(ended), err)
	_, err = sessions.Find(ctx, secrets, found.ID, now)
	fmt.Println(err)
	// Output:
	// second true <nil>
	// 1 <nil>
	// session not found
}
