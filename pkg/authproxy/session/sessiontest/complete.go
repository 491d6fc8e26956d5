package sessiontest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// complete: whatever a session may hold comes back, letters of any script and long tokens too.
func complete(t *testing.T, st session.Store) {
	want := newSession(t, "zoë|日本")
	want.Created = epoch.Add(123456789 * time.Nanosecond)
	want.Grants = append(want.Grants,
		session.Grant{
			Scope: "analytics", Fingerprint: "print \x00é", // opaque
			Identity: identity.Identity{Name: "Ω@example.com", Subject: "auth0|é\u2028", AccessToken: strings.Repeat("a.b-", 2000), IDToken: "i"},
			Login: &session.Login{
				Provider: "google https://accounts.example.com", Email: "ω@example.com", EmailVerified: true,
				Claims:       map[string][]string{"groups": {"döner", "", "b"}, "https://example.com/role": {"admin"}},
				RefreshToken: "refresh", TokensExpire: epoch.Add(5*time.Minute + time.Nanosecond),
			},
		},
		session.Grant{Scope: "bare", Login: &session.Login{}},
	)
	want.Version, want.RotationDue = 7, true
	want.Former = []session.Former{
		{Key: newSession(t, "").Key, Nonce: [32]byte{1, 31: 255}, Until: epoch.Add(time.Minute + time.Nanosecond)},
		{Key: newSession(t, "").Key, Until: epoch.Add(2 * time.Minute)},
	}
	create(t, st, want)
	for range 2 {
		same(t, found(t, st, want.Key, time.Second), want)
	}
}

// same compares what matters of two sessions: an empty list is as good as none, and time zones do not count.
func same(t *testing.T, got, want *session.Session) {
	t.Helper()
	if got.Key != want.Key || !slices.Equal(got.Tags, want.Tags) || !got.Created.Equal(want.Created) ||
		got.Version != want.Version || got.RotationDue != want.RotationDue || !slices.EqualFunc(got.Former, want.Former, sameFormer) ||
		!got.Expires.Equal(want.Expires) || got.Idle != want.Idle || len(got.Grants) != len(want.Grants) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	for i := range want.Grants {
		g, w := &got.Grants[i], &want.Grants[i]
		if g.Scope != w.Scope || g.Identity != w.Identity || g.Fingerprint != w.Fingerprint || (g.Login == nil) != (w.Login == nil) {
			t.Errorf("grant %+v\nwant %+v", g, w)
		}
		if g.Login == nil || w.Login == nil {
			continue
		}
		if !g.Login.TokensExpire.Equal(w.Login.TokensExpire) || g.Login.TokensExpire.IsZero() != w.Login.TokensExpire.IsZero() ||
			g.Login.Provider != w.Login.Provider || g.Login.Email != w.Login.Email || g.Login.EmailVerified != w.Login.EmailVerified ||
			g.Login.RefreshToken != w.Login.RefreshToken || !maps.EqualFunc(g.Login.Claims, w.Login.Claims, slices.Equal) {
			t.Errorf("login %+v\nwant %+v", g.Login, w.Login)
		}
	}
}

func sameFormer(a, b session.Former) bool {
	return a.Key == b.Key && a.Nonce == b.Nonce && a.Until.Equal(b.Until)
}

// manyTags: a session ends with any of its tags, and others stay.
func manyTags(t *testing.T, st session.Store) {
	a, b, c := newSession(t, "ann"), newSession(t, "ann"), newSession(t, "bob")
	a.Tags = []string{"person ann", "sid 1", "subject\x00ann"}
	b.Tags = []string{"person ann", "sid 2"}
	c.Tags = nil
	for _, s := range []*session.Session{a, b, c} {
		create(t, st, s)
	}
	for _, tag := range []string{"sid", "sid 10", "", "PERSON ANN", "person ann "} { // a part or a likeness is another tag
		wantEnded(t, st, tag)
	}
	wantEnded(t, st, "sid 1", a.Key)
	wantNone(t, st, a.Key, 0)
	found(t, st, b.Key, 0)
	wantEnded(t, st, "person ann", b.Key)
	wantNone(t, st, b.Key, 0)
	wantEnded(t, st, "person ann")
	found(t, st, c.Key, 0)
}

func wantEnded(t *testing.T, st session.Store, tag string, want ...session.Key) {
	t.Helper()
	keys, err := st.DeleteTagged(context.Background(), tag)
	if err != nil || !slices.Equal(keys, want) {
		t.Fatalf("DeleteTagged(%q) = %x, %v; want %x", tag, keys, err, want)
	}
}
