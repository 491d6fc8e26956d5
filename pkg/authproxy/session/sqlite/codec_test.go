package sqlite

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// fill gives every field below v a value of its own, so that none can be forgotten when a session gets another field.
func fill(v reflect.Value, next *int) {
	*next++
	switch at, isTime := v.Addr().Interface().(*time.Time); {
	case isTime:
		*at = time.Unix(1_000_000+int64(*next), int64(*next)).UTC()
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), next)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, next)
			fill(value, next)
			v.SetMapIndex(key, value)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.String:
		v.SetString(strings.Repeat("é", *next%3) + string(rune('!'+*next)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*next % 256))
	case reflect.Int64:
		v.SetInt(int64(*next))
	default:
		panic("a session has a field of kind " + v.Kind().String())
	}
}

func full() *session.Session {
	s, next := &session.Session{}, 0
	fill(reflect.ValueOf(s).Elem(), &next)
	return s
}

func encoded(t testing.TB, s *session.Session) []byte {
	t.Helper()
	b, err := encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEncodeForgetsNothing(t *testing.T) {
	t.Parallel()
	want := full()
	got, err := decode(want.Key, encoded(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	whole := encoded(t, full())
	for n := range len(whole) {
		if s, err := decode(session.Key{}, whole[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes are %+v", n, len(whole), s)
		}
	}
	if _, err := decode(session.Key{}, []byte(`{"OnlyFromHere":true}`)); err == nil {
		t.Error("a field of another version is accepted")
	}
}

// FuzzUnseal: sessions cannot be forged by writing to the file.
func FuzzUnseal(f *testing.F) {
	ring, err := newKeyring(testKeys("a", "b"))
	if err != nil {
		f.Fatal(err)
	}
	s := full()
	sealed, err := ring.seal(s.Key, encoded(f, s))
	if err != nil {
		f.Fatal(err)
	}
	other, err := ring.seal(session.Key{2}, encoded(f, s))
	if err != nil {
		f.Fatal(err)
	}
	if _, ok := ring.open(s.Key, other); ok {
		f.Fatal("what was sealed for one session opens as another")
	}
	for _, b := range [][]byte{sealed, other, sealed[:len(sealed)-1], sealed[:11], {}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, ok := ring.open(s.Key, b); ok && !bytes.Equal(plain, encoded(t, s)) {
			t.Errorf("opened %x", plain)
		}
	})
}
