package flow_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	none := "none" // no file
	for name, tc := range map[string]struct {
		env    string
		config project.Config
		vars   map[string]string
		want   []cloudapi.Secret // nil: none are sent at all
		warns  string
		fails  string
	}{
		"neither file nor names": {env: none},
		"an empty file":          {env: "", want: []cloudapi.Secret{}},
		"a comment":              {env: "# A=1\n", want: []cloudapi.Secret{}},
		"values":                 {env: "B=2\nA='1 # 1'\n", want: []cloudapi.Secret{{Key: "B", Value: "2"}, {Key: "A", Value: "1 # 1"}}},
		"a key without a value":  {env: "A\nB=\n", want: []cloudapi.Secret{{Key: "B"}}, warns: "line 1 is not a clear assignment: it has no '='"},
		"a key given twice":      {env: "A=1\nB=2\nA=3\n", want: []cloudapi.Secret{{Key: "A", Value: "3"}, {Key: "B", Value: "2"}}},
		"a variable inside": {
			env: "A=${HOST}/x\n", vars: map[string]string{"HOST": "h"}, want: []cloudapi.Secret{{Key: "A", Value: "h/x"}},
		},
		"the file wins over the names": {
			env: "A=file\n", config: project.Config{SecretKeys: []string{"A", "B"}}, vars: map[string]string{"A": "env"},
			want: []cloudapi.Secret{{Key: "A", Value: "file"}},
		},
		"the environment": {
			env: none, config: project.Config{SecretKeys: []string{"B", "A"}}, vars: map[string]string{"A": "1", "B": "2", "C": "3"},
			want: []cloudapi.Secret{{Key: "B", Value: "2"}, {Key: "A", Value: "1"}},
		},
		"a variable that is not set": {
			env: none, config: project.Config{SecretKeys: []string{"A", "B"}}, vars: map[string]string{"A": "1"}, fails: "requires B",
		},
		"a variable that is empty": {
			env: none, config: project.Config{SecretKeys: []string{"A"}}, vars: map[string]string{"A": ""}, fails: "export A=VALUE",
		},
		"an ignored file": {env: "A=1\nbroken line\n", config: project.Config{Ignore: []string{".env"}}},
		"an ignored file and names": {
			env: "A=file\n", config: project.Config{Ignore: []string{"./.env"}, SecretKeys: []string{"A"}}, vars: map[string]string{"A": "env"},
			want: []cloudapi.Secret{{Key: "A", Value: "env"}},
		},
		"ignored and included": {
			env: "A=1\n", config: project.Config{Ignore: []string{".env"}, Include: []string{".env"}},
			want: []cloudapi.Secret{{Key: "A", Value: "1"}},
		},
		"only a folder of that name is ignored": {
			env: "A=1\n", config: project.Config{Ignore: []string{".env/", "", "*.env"}}, want: []cloudapi.Secret{{Key: "A", Value: "1"}},
		},
		"lines that nothing can read": {
			env: "A=1\nnot a line\nB='open\n", want: []cloudapi.Secret{{Key: "A", Value: "1"}}, warns: "line 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			if tc.env != none {
				d.Write(".env", tc.env)
			}
			d.Vars = tc.vars
			env, err := d.Folder().Env()
			if err != nil {
				t.Fatal(err)
			}
			got, err := env.Secrets(&tc.config, d.Lookup)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error()+failure.Hint(err), tc.fails) || got.List != nil {
					t.Fatalf("%v, %v; want %q", got.List, err, tc.fails)
				}
				return
			}
			if err != nil || !slices.Equal(got.List, tc.want) || (got.List == nil) != (tc.want == nil) {
				t.Errorf("%#v (%v), want %#v", got.List, err, tc.want)
			}
			if (got.Source == "") != (tc.want == nil) {
				t.Errorf("source %q", got.Source)
			}
			warned := ""
			if got.Source == env.Path {
				warned = strings.Join(env.Warnings(), "\n")
			}
			if (warned != "") != (tc.warns != "") || !strings.Contains(warned, tc.warns) {
				t.Errorf("warns %q, want %q", warned, tc.warns)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	refs := project.Reference("username_main_app", "password_main_app")
	for name, tc := range map[string]struct {
		at    *project.Credentials
		env   string
		vars  map[string]string
		want  *cloudapi.Credentials
		fails string
	}{
		"no protection": {env: "username_main_app=ann\npassword_main_app=p"},
		"a file's": {
			at: refs, env: "username_main_app=ann\npassword_main_app='p w'\n", want: &cloudapi.Credentials{Username: "ann", Password: "p w"},
		},
		"the environment's": {
			at: refs, vars: map[string]string{"username_main_app": "ann", "password_main_app": "p"},
			want: &cloudapi.Credentials{Username: "ann", Password: "p"},
		},
		"one from each; the file wins": {
			at: refs, env: "username_main_app=ann\npassword_main_app=\n",
			vars: map[string]string{"username_main_app": "bob", "password_main_app": "p"},
			want: &cloudapi.Credentials{Username: "ann", Password: "p"},
		},
		"literal": {
			at:   &project.Credentials{Username: project.Value{Text: "ann"}, Password: project.Value{Text: "p"}},
			want: &cloudapi.Credentials{Username: "ann", Password: "p"},
		},
		"half literal": {
			at:  &project.Credentials{Username: project.Value{Text: "ann"}, Password: project.Value{Secret: "P"}},
			env: "P=p", want: &cloudapi.Credentials{Username: "ann", Password: "p"},
		},
		"nowhere":        {at: refs, env: "username_main_app=ann", fails: "password_main_app"},
		"empty both":     {at: refs, env: "username_main_app=", vars: map[string]string{"username_main_app": ""}, fails: "username_main_app"},
		"without value":  {at: refs, env: "username_main_app\npassword_main_app=p", fails: "username_main_app"},
		"unreadable env": {at: refs, env: "\xff", fails: "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{".env": tc.env})
			d.Vars = tc.vars
			c := &project.Config{Authentication: tc.at}
			env, err := d.Folder().Env()
			var got *cloudapi.Credentials
			if err == nil {
				got, err = env.Credentials(c, project.MainApp, d.Lookup)
			}
			if tc.fails != "" {
				if err == nil || got != nil || !strings.Contains(err.Error()+failure.Hint(err), tc.fails) {
					t.Errorf("%v, want %q", err, tc.fails)
				}
				return
			}
			if err != nil || (got == nil) != (tc.want == nil) || got != nil && *got != *tc.want {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// What cannot be a project's file is named with the reason, and never waited for.
func TestFolderReadsFiles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file string
		make func(path string) error
		says string
	}{
		".env is a folder":    {".env", func(p string) error { return os.Mkdir(p, 0o700) }, "it is a folder"},
		".env is too large":   {".env", func(p string) error { return sparse(p, 17<<20) }, "larger than 16 MB"},
		".env is not UTF-8":   {".env", func(p string) error { return os.WriteFile(p, []byte("A=\xff\n"), 0o600) }, "save the file as UTF-8"},
		"config is a folder":  {project.FileName, func(p string) error { return os.Mkdir(p, 0o700) }, project.FileName},
		"config is a list":    {project.FileName, func(p string) error { return os.WriteFile(p, []byte("[]"), 0o600) }, "init --force"},
		"config is empty":     {project.FileName, func(p string) error { return os.WriteFile(p, nil, 0o600) }, "init --force"},
		"config is not there": {project.FileName, func(string) error { return nil }, "run 'ploomber-cloud init'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := flow.Folder{Dir: t.TempDir()}
			path := filepath.Join(f.Dir, tc.file)
			if err := tc.make(path); err != nil {
				t.Fatal(err)
			}
			var err error
			if tc.file == flow.EnvName {
				_, err = f.Env()
			} else {
				_, err = f.Load()
			}
			if err == nil {
				t.Fatal("nothing is wrong")
			}
			if said := err.Error() + failure.Hint(err); !strings.Contains(said, tc.says) || !strings.Contains(said, path) {
				t.Errorf("says %q, want %q and the path", said, tc.says)
			}
			if failure.Code(err) != failure.Failed {
				t.Errorf("exit status %d", failure.Code(err))
			}
		})
	}
}

func sparse(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

func TestConfigPath(t *testing.T) {
	t.Parallel()
	abs := filepath.Join(t.TempDir(), "x.json")
	for config, want := range map[string]string{
		"": filepath.Join("here", project.FileName), "staging.json": filepath.Join("here", "staging.json"),
		"conf": filepath.Join("here", "conf", project.FileName), abs: abs, "x.yaml": "", "x.toml": "",
	} {
		got, err := flow.Folder{Dir: "here", Config: config}.ConfigPath()
		if got != want || (err != nil) != (want == "") || err != nil && failure.Code(err) != failure.Failed {
			t.Errorf("%q: %q, %v; want %q", config, got, err, want)
		}
	}
}
