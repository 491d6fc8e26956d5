package settings

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// Login is a platform that the user logged in to.
type Login struct {
	API       string `json:"api"`                 // base URL
	Dashboard string `json:"dashboard,omitempty"` // base URL that the platform named; may be ""
}

// logins is the file that remembers them. Their keys are in another, with those of all hosts.
type logins struct {
	Current   string  `json:"current"` // API of the one that requests go to; "" for none
	Platforms []Login `json:"platforms"`
}

func (s *Settings) loginsPath() (string, error) {
	dir, err := s.statsDir()
	return filepath.Join(dir, "logins.json"), err
}

func (s *Settings) readLogins() (known logins, err error) {
	path, err := s.loginsPath()
	if err != nil {
		return logins{}, nil //nolint:nilerr // without a home nothing is stored; what needs one says so
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return logins{}, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err == nil && known.Current != "" {
		_, err = anyBaseURL("the address of the platform", known.Current)
	}
	if err != nil {
		return logins{}, failure.Failedf("cannot read %s: %w", path, err).WithHint("delete the file, and log in again")
	}
	return known, nil
}

// Login returns the platform that requests go to by default, nil if the user is not logged in.
func (s *Settings) Login() (*Login, error) {
	known, err := s.readLogins()
	if err != nil || known.Current == "" {
		return nil, err
	}
	for _, l := range known.Platforms {
		if l.API == known.Current {
			return &l, nil
		}
	}
	return &Login{API: known.Current}, nil
}

// LoginURL is the base URL of a platform to log in to. Unless insecure is set, an http URL must be one of this machine.
func LoginURL(value string, insecure bool) (string, error) {
	if insecure {
		return anyBaseURL("the URL", value)
	}
	base, err := baseURL("the URL", value)
	var refused *failure.Error
	if _, wrong := anyBaseURL("", value); wrong == nil && errors.As(err, &refused) {
		return "", refused.WithHint("where the network is safe, pass --allow-http")
	}
	return base, err
}

// StoreLogin makes a platform the one that requests go to, and stores the key for it. With an empty key the owner's key
// of the platform is used, which runs on this machine. keyPath is the file with the key.
func (s *Settings) StoreLogin(l Login, key string) (keyPath string, err error) {
	known, err := s.readLogins()
	if err != nil {
		return "", err
	}
	known.Current = l.API
	known.Platforms = append(slices.DeleteFunc(known.Platforms, func(k Login) bool { return k.API == l.API }), l)
	if err := checkKey(key, "the API key"); err != nil {
		return "", err
	}
	return s.writeLogins(known, l.API, key)
}

// Logout forgets a platform and its key. It returns false if neither was stored.
func (s *Settings) Logout(api string) (bool, error) {
	known, err := s.readLogins()
	if err != nil {
		return false, err
	}
	before := len(known.Platforms)
	known.Platforms = slices.DeleteFunc(known.Platforms, func(k Login) bool { return k.API == api })
	was := known.Current == api || len(known.Platforms) < before
	if known.Current == api {
		known.Current = ""
	}
	keyPath, err := s.writeLogins(known, api, "")
	return was || keyPath != "", err
}

// writeLogins writes both files or, if one cannot be written, neither. keyPath is "" if the key did not change.
func (s *Settings) writeLogins(known logins, api, key string) (keyPath string, err error) {
	path, err := s.loginsPath()
	if err != nil {
		return "", err
	}
	data, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return "", err
	}
	files := []fsx.File{{Path: path, Data: append(data, '\n'), Mode: fsx.Private, Tighten: true}}
	change, err := keyChange(filepath.Join(filepath.Dir(path), hostsFile), hostOf(api), key)
	if err != nil {
		return "", err
	}
	if change != nil {
		files, keyPath = append(files, *change), change.Path
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return keyPath, fsx.Replace(files...)
}
