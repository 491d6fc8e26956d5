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

// Key finds the API key: in the environment (even if set to an empty value), then the key stored for the platform's host,
// then the owner's key of a platform that this user runs here, then the stored key. If there is none the error says how to
// store one.
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
		if silent := s.Silent(); silent != "" {
			message = "the platform on this machine is not used: " + silent + "; " + message
		}
		return missing.WithHint("%s, so its keys are no longer valid: %s", message, hint)
	}
	at, err := s.place()
	switch {
	case err != nil:
		return missing
	case loopback(hostname(at.asked)):
		return missing.WithHint("start a platform of your own with 'ploomber-cloud platform serve', whose key is found; "+
			"the key of another one is stored by 'ploomber-cloud login %s'", at.asked)
	}
	return missing.WithHint("the operator of the platform gives you one; store it with 'ploomber-cloud login %s', or set %s", at.asked, KeyVariable)
}

// StoredKey returns the stored key only; without one the Key is zero. The key in config.yaml belongs to no particular host:
// it is sent to those of the reference tool and to those that the environment names, as the reference tool does, and to no
// other. The owner's key of a platform on this machine is returned once the platform has proven that it knows it.
func (s *Settings) StoredKey() (Key, error) {
	dir, err := s.statsDir()
	if err != nil {
		return Key{}, err
	}
	at, err := s.place()
	if err != nil {
		return Key{}, err
	}
	for _, host := range []string{hostOf(at.asked), hostOf(at.api)} {
		if k, err := keyIn(filepath.Join(dir, hostsFile), host); err != nil || k.value != "" {
			return k, err
		}
	}
	switch {
	case at.local != nil && s.Prove != nil:
		k, err := at.local.OwnerKey()
		if err == nil && at.local != s.found {
			err = s.Prove(at.api, k.value)
		}
		if err != nil {
			return Key{}, unusable(err)
		}
		return k, nil
	case !at.general:
		return Key{}, nil
	}
	return keyIn(filepath.Join(dir, "config.yaml"), keyName)
}

// KeyFiles are the files that keys are stored in, whether or not they exist.
func (s *Settings) KeyFiles() ([]string, error) {
	dir, err := s.statsDir()
	return []string{filepath.Join(dir, "config.yaml"), filepath.Join(dir, hostsFile)}, err
}

// hostsFile has the keys by host.
const hostsFile = "hosts.yaml"

// keyIn reads the key of an entry of a file; without one the Key is zero.
func keyIn(path, entry string) (Key, error) {
	file, err := readKeyFile(path)
	if err != nil {
		return Key{}, err
	}
	v := file.get(entry)
	if v == "" {
		return Key{}, nil
	}
	return Key{v, path}, checkKey(v, path)
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
		at, _, err := s.chosen()
		if err != nil {
			return "", err
		}
		path, name = filepath.Join(dir, hostsFile), hostOf(at.asked)
	}
	change, err := keyChange(path, name, key)
	if err != nil || change == nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("cannot make %s: %w", dir, err)
	}
	return path, fsx.Replace(*change)
}

// keyChange is the file at path with another key, "" for none; nil if there is nothing to change.
func keyChange(path, name, key string) (*fsx.File, error) {
	file, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	if key == "" && file.get(name) == "" {
		return nil, nil
	}
	file.set(name, key)
	data, err := file.encode()
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, err)
	}
	return &fsx.File{Path: path, Data: data, Mode: fsx.Private, Tighten: true}, nil
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
