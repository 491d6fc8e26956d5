package sqlite_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sqlite"
)

// A session is found again after a restart.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, now := context.Background(), time.Now()
	secrets := []session.Secret{{1}}
	var id session.ID
	for _, started := range []string{"first", "again"} {
		store, err := sqlite.Open(ctx, filepath.Join(dir, "sessions.db"), [][]byte{[]byte("a key")}, time.Now)
		if err != nil {
			fmt.Println(err)
			return
		}
		sessions, err := session.NewManager(store, rand.Reader)
		if err == nil && started == "first" {
			id, err = sessions.Create(ctx, secrets, &session.Session{Created: now, Idle: time.Hour, Expires: now.Add(24 * time.Hour)})
		}
		if err == nil {
			_, err = sessions.Find(ctx, secrets, id, now)
		}
		fmt.Println(started, err)
		if err := store.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// first <nil>
	// again <nil>
}
