package keycmd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing":       {},
		"a key":         {Args: []string{"abc"}, Want: Flags{Key: "abc"}},
		"stdin":         {Args: []string{"--stdin"}, Want: Flags{Stdin: true}},
		"a file":        {Args: []string{"--from-file=k.txt"}, Want: Flags{File: "k.txt"}},
		"two keys":      {Args: []string{"a", "b"}, Code: failure.Failed},
		"key and stdin": {Args: []string{"abc", "--stdin"}, Code: failure.Usage},
		"stdin, file":   {Args: []string{"--stdin", "--from-file=k.txt"}, Code: failure.Usage},
	})
}

func options(d *cmdtest.Setup) Options {
	return Options{
		IO: d.IO, Ask: d.Ask, Connect: d.Connect, Dir: d.Dir,
		Settings: &settings.Settings{Lookup: d.Lookup, Home: func() (string, error) { return filepath.Join(d.Dir, "home"), nil }},
	}
}

const stored = "home/.ploomber/stats/config.yaml"

// However a key comes, the same key is used afterwards, and none of it is shown.
func TestKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files   map[string]string
		answers []string
		args    []string
		want    string // "" is an error
		code    int
		says    string
	}{
		"as argument":        {args: []string{"canary-key"}, want: "canary-key", says: "API key stored in"},
		"digits alone":       {args: []string{"1234567890"}, want: "1234567890"},
		"piped":              {answers: []string{"canary-key"}, want: "canary-key"},
		"with --stdin":       {answers: []string{"canary-key"}, args: []string{"--stdin"}, want: "canary-key"},
		"of a file":          {files: map[string]string{"k.txt": "canary-key\r\n"}, args: []string{"--from-file=k.txt"}, want: "canary-key"},
		"of no file":         {args: []string{"--from-file=k.txt"}, code: failure.Failed, says: "k.txt"},
		"nothing piped":      {code: failure.Usage, says: "no key given"},
		"a key of two lines": {answers: []string{"canary", "key"}, code: failure.NotAllowed, says: "line break"},
		"too long a key":     {files: map[string]string{"k.txt": strings.Repeat("k", maxKey+1)}, args: []string{"--from-file=k.txt"}, code: failure.Failed, says: "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			o := options(d)
			err := cmdtest.Run(t.Context(), New(o, nil), tc.args...)
			if said := d.Said(err); failure.Code(err) != tc.code || !strings.Contains(said, tc.says) || strings.Contains(said, "canary") {
				t.Errorf("exit status %d, says %q; want %d, %q", failure.Code(err), said, tc.code, tc.says)
			}
			key, keyErr := o.Settings.Key()
			if tc.want == "" {
				if keyErr == nil || d.Read(stored) != "" {
					t.Errorf("a key is stored")
				}
				return
			}
			if keyErr != nil || key.Reveal() != tc.want {
				t.Errorf("the key is read back wrong (%v)", keyErr)
			}
			if info, err := os.Stat(filepath.Join(d.Dir, filepath.FromSlash(stored))); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

func TestKeyKeepsOtherSettings(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{stored: "# mine\nuser_email: ann@example.test\ncloud_key: old\nstats_enabled: false\n"})
	d.Vars[settings.KeyVariable] = ""
	if err := cmdtest.Run(t.Context(), New(options(d), nil), "new"); err != nil {
		t.Fatal(err)
	}
	after := d.Read(stored)
	for _, want := range []string{"user_email: ann@example.test", "stats_enabled: false", "new"} {
		if !strings.Contains(after, want) {
			t.Errorf("%q lacks %q", after, want)
		}
	}
	if strings.Contains(after, "old") || !strings.Contains(d.Said(nil), "takes precedence over the stored key") {
		t.Errorf("%q, says %q", after, d.Said(nil))
	}
}

func TestKeyStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vars  map[string]string
		args  []string
		asked int
		code  int
		says  string
	}{
		"accepted": {vars: map[string]string{settings.KeyVariable: "canary-key-0123456789"}, args: []string{"status"}, asked: 1, says: "Tier:     pro"},
		"offline":  {vars: map[string]string{settings.KeyVariable: "canary-key-0123456789"}, args: []string{"status", "--offline"}, says: settings.KeyVariable},
		"no key":   {args: []string{"status"}, code: failure.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			d.Vars = tc.vars
			err := cmdtest.Run(t.Context(), New(options(d), nil), tc.args...)
			said := d.Said(err)
			if failure.Code(err) != tc.code || !strings.Contains(said, tc.says) || strings.Contains(said, "canary-key") || len(d.Asked()) != tc.asked {
				t.Errorf("exit status %d, says %q, asks %q; want %d, %q", failure.Code(err), said, d.Asked(), tc.code, tc.says)
			}
		})
	}
}

func TestKeyRemove(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{stored: "cloud_key: old\nstats_enabled: false\n"})
	o := options(d)
	for _, says := range []string{"API key removed", "There was no stored key"} {
		if err := cmdtest.Run(t.Context(), New(o, nil), "remove"); err != nil || !strings.Contains(d.Out(), says) {
			t.Errorf("%v, says %q, want %q", err, d.Out(), says)
		}
	}
	if _, err := o.Settings.Key(); err == nil || !strings.Contains(d.Read(stored), "stats_enabled: false") {
		t.Errorf("%v, %q", err, d.Read(stored))
	}
}
