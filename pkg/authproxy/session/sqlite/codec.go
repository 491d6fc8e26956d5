package sqlite

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// layout is the first byte of an encoded session; another layout gets another number.
const layout = 1

var errLayout = errors.New("no session in this layout")

// encode writes all of a session but its key: numbers as varints, texts and lists behind their length.
func encode(s *session.Session) []byte {
	w := writer{b: make([]byte, 0, 1024)}
	w.b = append(w.b, layout)
	w.time(s.Created)
	w.time(s.Expires)
	w.number(int64(s.Idle))
	w.texts(s.Tags)
	w.length(len(s.Grants))
	for i := range s.Grants {
		g := &s.Grants[i]
		for _, text := range []string{g.Area, g.Identity.Name, g.Identity.Subject, g.Identity.AccessToken, g.Identity.IDToken, g.Stamp} {
			w.text(text)
		}
		w.login(g.Login)
	}
	return w.b
}

// decode reads what encode wrote, and nothing else.
func decode(key session.Key, b []byte) (*session.Session, error) {
	if len(b) == 0 || b[0] != layout {
		return nil, errLayout
	}
	r := reader{b: b[1:]}
	s := &session.Session{Key: key, Created: r.time(), Expires: r.time(), Idle: time.Duration(r.number()), Tags: r.texts()}
	for range r.length() {
		if r.failed {
			break
		}
		s.Grants = append(s.Grants, session.Grant{
			Area:     r.text(),
			Identity: identity.Identity{Name: r.text(), Subject: r.text(), AccessToken: r.text(), IDToken: r.text()},
			Stamp:    r.text(),
			Login:    r.login(),
		})
	}
	if r.failed || len(r.b) > 0 {
		return nil, errLayout
	}
	return s, nil
}

type writer struct{ b []byte }

func (w *writer) number(n int64)    { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) length(n int)      { w.b = binary.AppendUvarint(w.b, uint64(n)) }
func (w *writer) text(s string)     { w.length(len(s)); w.b = append(w.b, s...) }
func (w *writer) time(at time.Time) { w.number(at.Unix()); w.number(int64(at.Nanosecond())) }

func (w *writer) texts(list []string) {
	w.length(len(list))
	for _, s := range list {
		w.text(s)
	}
}

func (w *writer) flag(is bool) {
	if is {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

func (w *writer) login(l *session.Login) {
	w.flag(l != nil)
	if l == nil {
		return
	}
	w.text(l.Provider)
	w.text(l.Email)
	w.flag(l.EmailVerified)
	w.length(len(l.Claims))
	for _, name := range slices.Sorted(maps.Keys(l.Claims)) {
		w.text(name)
		w.texts(l.Claims[name])
	}
	w.text(l.RefreshToken)
	w.time(l.TokensExpire)
}

// reader takes values off the front of b. Once one is missing it has failed, and returns nothing but zeros.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() {
	r.b, r.failed = nil, true
}

func (r *reader) number() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

// length reads a length, which is never more than there are bytes left.
func (r *reader) length() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *reader) text() string {
	n := r.length()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) texts() []string {
	var list []string
	for range r.length() {
		if r.failed {
			return nil
		}
		list = append(list, r.text())
	}
	return list
}

func (r *reader) time() time.Time {
	seconds, nanoseconds := r.number(), r.number()
	if nanoseconds < 0 || nanoseconds >= int64(time.Second) {
		r.fail()
	}
	return time.Unix(seconds, nanoseconds).UTC()
}

func (r *reader) flag() bool {
	if len(r.b) == 0 || r.b[0] > 1 {
		r.fail()
		return false
	}
	is := r.b[0] == 1
	r.b = r.b[1:]
	return is
}

func (r *reader) login() *session.Login {
	if !r.flag() {
		return nil
	}
	l := &session.Login{Provider: r.text(), Email: r.text(), EmailVerified: r.flag()}
	for range r.length() {
		if r.failed {
			return nil
		}
		if l.Claims == nil {
			l.Claims = map[string][]string{}
		}
		name := r.text()
		l.Claims[name] = r.texts()
	}
	l.RefreshToken, l.TokensExpire = r.text(), r.time()
	return l
}
