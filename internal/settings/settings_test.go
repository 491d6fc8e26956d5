package settings_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
)

func with(home string, env ...string) *settings.Settings {
	values := map[string]string{}
	for _, pair := range env {
		k, v, _ := strings.Cut(pair, "=")
		values[k] = v
	}
	return &settings.Settings{
		Lookup: func(k string) (string, bool) { v, ok := values[k]; return v, ok },
		Home:   func() (string, error) { return home, nil },
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env   []string
		flag  string
		local bool
		want  string // "" for an error
	}{
		"standard":      {want: "https://cloud-prod.ploomber.io"},
		"dev":           {env: []string{"_PLOOMBER_CLOUD_ENV=dev"}, want: "https://cloud-dev.ploomber.io"},
		"local":         {env: []string{"_PLOOMBER_CLOUD_ENV=local"}, want: "http://localhost:8000"},
		"unknown":       {env: []string{"_PLOOMBER_CLOUD_ENV=moon"}},
		"variable":      {env: []string{"_PLOOMBER_CLOUD_ENV=dev", "PLOOMBER_CLOUD_API_URL=https://a.example/x/"}, want: "https://a.example/x"},
		"flag wins":     {env: []string{"PLOOMBER_CLOUD_API_URL=https://a.example"}, flag: "http://127.0.0.1:9", want: "http://127.0.0.1:9"},
		"local flag":    {env: []string{"PLOOMBER_CLOUD_API_URL=https://a.example"}, local: true, want: "http://localhost:8000"},
		"plain http":    {flag: "http://a.example"},
		"no scheme":     {flag: "a.example"},
		"file":          {flag: "file:///etc/passwd"},
		"user":          {flag: "https://u@a.example"},
		"IPv6 loopback": {flag: "http://[::1]:80", want: "http://[::1]:80"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := with("", tc.env...)
			s.APIURL, s.Local = tc.flag, tc.local
			got, err := s.API()
			if got != tc.want || (err == nil) != (tc.want != "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestPollInterval(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"": 15 * time.Second, "0.05": 50 * time.Millisecond, "x": 0, "0": 0, "-1": 0, "NaN": 0} {
		got, err := with("", "PLOOMBER_CLOUD_POLL_INTERVAL="+value).PollInterval()
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
}

func TestInCI(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]bool{
		"": false, "CI=": false, "CI=true": true, "GITHUB_ACTIONS=1": true, "CI=1 GITHUB_REPOSITORY=ploomber/cli": false,
	} {
		if got := with("", strings.Fields(env)...).InCI(); got != want {
			t.Errorf("%q: %v", env, got)
		}
	}
}

func configFile(home string) string { return filepath.Join(home, ".ploomber", "stats", "config.yaml") }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStoreKeyKeepsTheRest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ before, key, after string }{
		"new file":   {"", "abc", "cloud_key: \"abc\"\n"},
		"number":     {"", "00123", "cloud_key: \"00123\"\n"},
		"trimmed":    {"", " abc\n", "cloud_key: \"abc\"\n"},
		"replaced":   {"# mine\ncloud_key: old # work\nstats_enabled: false\n", "new", "# mine\ncloud_key: \"new\" # work\nstats_enabled: false\n"},
		"null":       {"cloud_key: null\nuser_email: a@b.c\n", "k", "cloud_key: \"k\"\nuser_email: a@b.c\n"},
		"nothing":    {"cloud_key:\nx: 1\n", "k", "cloud_key: \"k\"\nx: 1\n"},
		"added":      {"user_email: null", "k", "user_email: null\ncloud_key: \"k\"\n"},
		"flow style": {"{cloud_key: old, user_email: null}", "k", "{cloud_key: \"k\", user_email: null}\n"},
		"empty":      {"{}", "k", "{cloud_key: \"k\"}\n"},
		"only null":  {"---\n", "k", "cloud_key: \"k\"\n"},
		"comments":   {"# mine\n# too\n", "k", "# mine\n# too\n\ncloud_key: \"k\"\n"},
		"nested":     {"a:\n  # why\n  - b: 'yes' # or no\ncloud_key: old\n# end\n", "k", "a:\n  # why\n  - b: 'yes' # or no\ncloud_key: \"k\"\n# end\n"},
		"alias":      {"a: &x old\ncloud_key: *x\n", "k", "a: &x old\ncloud_key: \"k\"\n"},
		"two lines":  {"cloud_key: >\n  old\nx: 1\n", "k", "cloud_key: \"k\"\nx: 1\n"},
		"twice":      {"cloud_key: a\nx: 1\ncloud_key: b\n", "k", "cloud_key: a\nx: 1\ncloud_key: \"k\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			if tc.before != "" {
				write(t, configFile(home), tc.before)
			}
			s := with(home)
			path, err := s.StoreKey(tc.key)
			if err != nil || path != configFile(home) {
				t.Fatalf("%q, %v", path, err)
			}
			got, _ := os.ReadFile(path)
			if string(got) != tc.after {
				t.Errorf("file is\n%s\nwant\n%s", got, tc.after)
			}
			if info, _ := os.Stat(path); runtime.GOOS != "windows" && info.Mode() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
			if k, err := s.Key(); err != nil || k.Reveal() != strings.TrimSpace(tc.key) {
				t.Errorf("read back %q, %v", k.Reveal(), err)
			}
		})
	}
}

func TestStoreKeyRefuses(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"empty": " ", "line break": "a\nb", "control": "a\x1bb", "non-ASCII": "clé"} {
		home := t.TempDir()
		if _, err := with(home).StoreKey(key); err == nil || strings.Contains(err.Error(), key) && key != " " {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(configFile(home)); err == nil {
			t.Errorf("%s: a file was written", name)
		}
	}
	for name, text := range map[string]string{"not YAML": "a: [", "a list": "- a\n", "two documents": "a: 1\n---\nb: 2\n"} {
		home := t.TempDir()
		write(t, configFile(home), text)
		if _, err := with(home).StoreKey("k"); err == nil || !strings.Contains(err.Error(), configFile(home)) {
			t.Errorf("%s: %v", name, err)
		}
		if got, _ := os.ReadFile(configFile(home)); string(got) != text {
			t.Errorf("%s: the file became %q", name, got)
		}
	}
}

func TestKeyOrder(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write(t, configFile(home), "cloud_key: stored\n")
	local := with(home)
	local.Local = true
	if _, err := local.StoreKey("for-local"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		s    *settings.Settings
		want string
	}{
		"stored":      {with(home), "stored"},
		"host":        {local, "for-local"},
		"same host":   {with(home, "_PLOOMBER_CLOUD_ENV=local"), "for-local"},
		"environment": {with(home, "_PLOOMBER_CLOUD_ENV=local", "PLOOMBER_CLOUD_KEY=typed"), "typed"},
		"set empty":   {with(home, "PLOOMBER_CLOUD_KEY="), ""},
		"no home":     {with(t.TempDir()), ""},
	} {
		k, err := tc.s.Key()
		if k.Reveal() != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v", name, k.Reveal(), err)
		}
		if tc.want == "" && failure.Code(err) != failure.NotAllowed {
			t.Errorf("%s: exit %d", name, failure.Code(err))
		}
	}
	if path, err := local.RemoveKey(); err != nil || path == "" {
		t.Errorf("%q, %v", path, err)
	}
	if k, err := local.Key(); err == nil { // what is stored for no host does not go to one that a flag names
		t.Errorf("after removal %q", k.Reveal())
	}
}

func TestMovedStatsFolder(t *testing.T) {
	t.Parallel()
	moved := t.TempDir()
	s := with(t.TempDir(), "PLOOMBER_HOME_DIR="+moved)
	path, err := s.StoreKey("k")
	if err != nil || path != filepath.Join(moved, "stats", "config.yaml") {
		t.Errorf("%q, %v", path, err)
	}
}

func TestKeyNeverPrintsItself(t *testing.T) {
	t.Parallel()
	k, err := with("", "PLOOMBER_CLOUD_KEY=canary-value-123456").Key()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), k.Masked()} {
		if strings.Contains(text, "canary") {
			t.Errorf("printed %q", text)
		}
	}
}

func TestNoHome(t *testing.T) {
	t.Parallel()
	s := with("")
	s.Home = settings.HomeFrom(s.Lookup, "HOME")
	_, err := s.Key()
	if err == nil || !strings.Contains(err.Error(), "HOME") || errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// Without a key, the hint says where one comes from: no longer from the hosted service.
func TestNoKeySaysWhereKeysComeFrom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env    []string
		hosted bool
	}{
		"by default":          {nil, true},
		"dev":                 {[]string{"_PLOOMBER_CLOUD_ENV=dev"}, true},
		"its address named":   {[]string{"PLOOMBER_CLOUD_API_URL=https://cloud-prod.ploomber.io/"}, true},
		"this machine":        {[]string{"_PLOOMBER_CLOUD_ENV=local"}, false},
		"a host of one's own": {[]string{"PLOOMBER_CLOUD_API_URL=https://cloud.example.com"}, false},
		"an unknown name":     {[]string{"_PLOOMBER_CLOUD_ENV=moon", "PLOOMBER_CLOUD_API_URL=https://cloud.example.com"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := with(t.TempDir(), tc.env...)
			_, err := s.Key()
			hint := failure.Hint(err)
			ended := strings.Contains(hint, "2025-10-31") && strings.Contains(hint, "ploomber-cloud platform serve")
			if s.Hosted() != tc.hosted || ended != tc.hosted || !strings.Contains(hint, "ploomber-cloud login ") {
				t.Errorf("hosted %v, hint %q", s.Hosted(), hint)
			}
		})
	}
}
