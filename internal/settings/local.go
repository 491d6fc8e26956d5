package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// LocalPlatform is a platform that this user runs on this machine. While it serves it keeps this as a JSON file in the
// user's home, which is how the other commands find it without being told.
type LocalPlatform struct {
	API          string `json:"api"`            // base URL, such as http://127.0.0.1:8000
	Dashboard    string `json:"dashboard"`      // base URL
	Apps         string `json:"apps"`           // domain of the apps with the port
	OwnerKeyFile string `json:"owner_key_file"` // absolute path; the key is the last line
}

// DefaultPlatform is the address where a platform serves its API unless told otherwise, and where it is looked for first.
const DefaultPlatform = "127.0.0.1:8000"

// Register makes the platform known to the commands of this user until Unregister. The file is 0600 in a folder 0700.
func (s *Settings) Register(p LocalPlatform) error {
	path, err := s.registration(p.API)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.Chmod(folder, 0o700)); err != nil { // an open one would be passed over
		return fmt.Errorf("cannot make the folder of %s: %w", path, err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return fsx.Replace(fsx.File{Path: path, Data: append(data, '\n'), Mode: fsx.Private, Tighten: true})
}

// Unregister undoes Register, unless another platform has registered the same address since.
func (s *Settings) Unregister(p LocalPlatform) error {
	path, err := s.registration(p.API)
	if err != nil {
		return err
	}
	if now, err := readRegistration(path); err != nil || now != p {
		return nil //nolint:nilerr // what is not ours stays
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *Settings) registration(api string) (string, error) {
	dir, err := s.platformsDir()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(api)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return "", fmt.Errorf("%q is not a URL with host and port", api)
	}
	host := strings.NewReplacer(":", "_", "%", "_").Replace(u.Hostname()) // of an IPv6 address
	return filepath.Join(dir, host+"_"+u.Port()+".json"), nil
}

func (s *Settings) platformsDir() (string, error) {
	dir, err := s.Dir()
	return filepath.Join(dir, "platforms"), err
}

// LocalPlatforms lists the registered platforms, that at DefaultPlatform first. What is not certainly this user's own is
// left out: other users must not be able to say where keys go. Whether one serves is not known.
func (s *Settings) LocalPlatforms() []LocalPlatform {
	dir, err := s.platformsDir()
	if err != nil || checkOwn(dir) != nil {
		return nil
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil
	}
	var found []LocalPlatform
	for _, path := range paths {
		p, err := readRegistration(path)
		if err != nil {
			continue
		}
		if hostOf(p.API) == DefaultPlatform {
			found = slices.Insert(found, 0, p)
			continue
		}
		found = append(found, p)
	}
	return found
}

func readRegistration(path string) (p LocalPlatform, err error) {
	data, err := readOwn(path)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, err
	}
	if p.API, err = baseURL(path, p.API); err == nil && !loopback(hostname(p.API)) {
		err = fmt.Errorf("%s: %s is not on this machine", path, p.API)
	}
	return p, err
}

// OwnerKey reads the key of the platform's owner. An error of the file does not contain what is in it.
func (p LocalPlatform) OwnerKey() (Key, error) {
	data, err := readOwn(p.OwnerKeyFile)
	if err != nil {
		return Key{}, err
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	key := string(bytes.TrimSpace(lines[len(lines)-1]))
	if key == "" {
		return Key{}, fmt.Errorf("%s holds no key", p.OwnerKeyFile)
	}
	return Key{key, p.OwnerKeyFile}, checkKey(key, p.OwnerKeyFile)
}

// readOwn reads a file that only this user can have written and read.
func readOwn(path string) ([]byte, error) {
	if err := checkOwn(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// checkOwn refuses what is a link, belongs to another user, or is open to other users.
func checkOwn(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() && !info.IsDir():
		return fmt.Errorf("%s is neither a file nor a folder", path)
	case !own(info):
		return fmt.Errorf("%s belongs to another user, or other users may read or change it", path)
	}
	return nil
}

// hostname is the host of a URL without its port.
func hostname(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
