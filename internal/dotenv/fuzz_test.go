package dotenv

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if (err == nil) != utf8.Valid(data) {
			t.Fatalf("error %v", err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(file.Bytes(), data) {
			t.Fatalf("bytes changed to %q", file.Bytes())
		}
		end := 0
		for _, s := range file.statements {
			if s.start < end || s.end <= s.start || s.end > len(data) {
				t.Fatalf("statement at %d to %d, the one before ends at %d", s.start, s.end, end)
			}
			end = s.end
		}
		for _, name := range file.Names() {
			if !CouldBeName(name) {
				t.Fatalf("%q is a name", name)
			}
		}
		if named, unclear := len(file.Names()), len(file.Unclear()); named+unclear != len(file.Keys()) {
			t.Fatalf("%d names and %d unclear keys of %d", named, unclear, len(file.Keys()))
		}
		before := 0
		for _, doubt := range file.Doubts() {
			if doubt.Line <= before || doubt.Reason == "" {
				t.Fatalf("%+v comes after line %d", doubt, before)
			}
			before = doubt.Line
		}
		if got, want := len(file.Values(nil)), len(file.Keys()); got != want {
			t.Fatalf("%d values, want %d, one for each key", got, want)
		}
	})
}

func FuzzAddRemove(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data, `it's`, `a "b" ${A}\`) })
	f.Fuzz(func(t *testing.T, data []byte, user, password string) {
		if !utf8.Valid(data) || !typeable(user) || !typeable(password) {
			return
		}
		keys := []string{"username_main_app", "password_main_app"}
		checkRestored(t, string(data), keys, []string{user, password}, keys)
	})
}

func FuzzSetRoundTrip(f *testing.F) {
	for _, value := range awkward {
		f.Add([]byte("# c\nexport A='x' # c\r\nB=${A}\nC=\"open\nD=4"), "A", value)
		f.Add([]byte("A=1\r\n\tB #c"), "B", value)
	}
	f.Fuzz(func(t *testing.T, data []byte, key, value string) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		before := parse(file.text)
		if err := file.Set(key, value); err != nil {
			if !bytes.Equal(file.Bytes(), data) {
				t.Fatalf("Set failed, and changed the file to %q", file.Bytes())
			}
			if typeable(value) && before.last(key) < 0 && whyNoKey(key) == "" && !before.refersTo(key) {
				t.Fatalf("a new key is refused: %v", err)
			}
			return
		}
		if got, ok := reopen(t, file.text).Get(key, nil); !ok || got != value {
			t.Fatalf("%q reads %q, %v", file.text, got, ok)
		}
		if !before.keeps(file, key, value) {
			t.Fatalf("%q reads other keys differently", file.text)
		}
	})
}

// FuzzAgainstPythonDotenv explores files freely, with a running python-dotenv as the oracle.
func FuzzAgainstPythonDotenv(f *testing.F) {
	p := startPeer(f)
	seed(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) { p.compare(t, string(data), environ) })
}

// seed adds every tenth file of the corpus; fuzzing finds its way from there.
func seed(f *testing.F, add func(data []byte)) {
	files, _ := corpus(f)
	for i, r := range files {
		if i%10 == 0 || r.Error != "" {
			add([]byte(r.file()))
		}
	}
}

func typeable(value string) bool {
	return utf8.ValidString(value) && !bytes.ContainsRune([]byte(value), 0)
}
