package settings

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// keyName is the entry of config.yaml that the reference tool also reads and writes.
const keyName = "cloud_key"

// Key is an API key and its source.
type Key struct {
	value  string
	Source string // the name of a variable or the path of a file
}

// Reveal returns the key itself, for the code that sends it.
func (k Key) Reveal() string { return k.value }

func (k Key) String() string { return "***" }

// GoString keeps the key out of %#v.
func (k Key) GoString() string { return "***" }

// Masked shows enough of the key to distinguish two keys.
func (k Key) Masked() string {
	if len(k.value) < 12 {
		return "****"
	}
	return "****" + k.value[len(k.value)-4:]
}

// Key finds the API key: in the environment (even if set to an empty value), then the key stored for the
// platform's host, then the stored key. If there is none the error says how to store one.
func (s *Settings) Key() (Key, error) {
	if v, set := s.Lookup(KeyVariable); set {
		if v == "" {
			return Key{}, s.noKey().WithHint("%s is set but empty: unset it or set it to the key", KeyVariable)
		}
		return Key{v, KeyVariable}, checkKey(v, KeyVariable)
	}
	k, err := s.StoredKey()
	if err == nil && k.value == "" {
		err = s.noKey()
	}
	return k, err
}

func (s *Settings) noKey() *failure.Error {
	missing := failure.NotAllowedf("API key not found")
	if s.Hosted() {
		message, hint := Ended()
		return missing.WithHint("%s, so its keys are no longer valid: %s, and store its key with 'ploomber-cloud key'", message, hint)
	}
	return missing.WithHint("the operator of the host that you deploy to gives you one; store it with 'ploomber-cloud key'")
}

// StoredKey returns the stored key only; without one the Key is zero.
func (s *Settings) StoredKey() (Key, error) {
	dir, err := s.statsDir()
	if err != nil {
		return Key{}, err
	}
	at, err := s.API()
	if err != nil {
		return Key{}, err
	}
	for _, place := range []struct{ file, name string }{
		{filepath.Join(dir, "hosts.yaml"), hostOf(at)},
		{filepath.Join(dir, "config.yaml"), keyName},
	} {
		file, err := readKeyFile(place.file)
		if err != nil {
			return Key{}, err
		}
		if v := file.get(place.name); v != "" {
			return Key{v, place.file}, checkKey(v, place.file)
		}
	}
	return Key{}, nil
}

// StoreKey stores key for the user, for one host only if --api-url or --local was given, and returns the path of
// the file. The file's other entries, their order and its comments are kept; it becomes unreadable for other
// users.
func (s *Settings) StoreKey(key string) (path string, err error) {
	key = strings.TrimSpace(key)
	if key == "" {
		return "", failure.Failedf("the API key is empty")
	}
	if err := checkKey(key, "the API key"); err != nil {
		return "", err
	}
	return s.writeKey(key)
}

// RemoveKey removes the key stored by StoreKey and returns the path of its file, "" if there was none.
func (s *Settings) RemoveKey() (path string, err error) { return s.writeKey("") }

func (s *Settings) writeKey(key string) (string, error) {
	dir, err := s.statsDir()
	if err != nil {
		return "", err
	}
	path, name := filepath.Join(dir, "config.yaml"), keyName
	if s.Local || s.APIURL != "" {
		at, err := s.API()
		if err != nil {
			return "", err
		}
		path, name = filepath.Join(dir, "hosts.yaml"), hostOf(at)
	}
	file, err := readKeyFile(path)
	if err != nil {
		return "", err
	}
	if key == "" && file.get(name) == "" {
		return "", nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cannot make %s: %w", dir, err)
	}
	file.set(name, key)
	data, err := file.encode()
	if err != nil {
		return "", fmt.Errorf("cannot write %s: %w", path, err)
	}
	return path, fsx.Replace(fsx.File{Path: path, Data: data, Mode: fsx.Private, Tighten: true})
}

func hostOf(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return api
	}
	return u.Host
}

// checkKey rejects a key that no HTTP header can contain; it would fail later and less clearly.
func checkKey(key, source string) error {
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return failure.NotAllowedf("%s contains a space, a line break or a character that API keys do not have", source)
		}
	}
	return nil
}
