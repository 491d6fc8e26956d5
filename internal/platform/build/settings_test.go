package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// TestUserSettings builds with settings of pip and uv that would send packages elsewhere, in every place where they can
// be, beside an index without which nothing could be installed.
func TestUserSettings(t *testing.T) {
	t.Parallel()
	elsewhere := "user = true\ntarget = ELSEWHERE\nprefix = ELSEWHERE\nroot = ELSEWHERE\nrequire-virtualenv = true\ndry-run = true\n" +
		"no-deps = true\npython = ELSEWHERE\nplatform = none\nreport = ELSEWHERE/report\n"
	uvToml := "[pip]\ntarget = \"ELSEWHERE\"\nprefix = \"ELSEWHERE\"\nsystem = true\nno-deps = true\n"
	for name, tc := range map[string]struct {
		files map[string]string // below the home folder
		vars  []string
		both  bool // with pip too, which takes its time
	}{
		"PIP_CONFIG_FILE": {
			files: map[string]string{"pip.conf": "[global]\nindex-url = INDEX\n" + elsewhere + "[install]\n" + elsewhere}, both: true,
		},
		"the user's file": {
			files: map[string]string{".config/pip/pip.conf": "[global]\nindex-url = INDEX\n" + elsewhere}, vars: []string{"PIP_CONFIG_FILE="},
		},
		"the user's old file": {
			files: map[string]string{".pip/pip.conf": "[install]\nindex_url = INDEX\n" + elsewhere}, vars: []string{"PIP_CONFIG_FILE="},
		},
		"a file of the machine": {
			files: map[string]string{"xdg/pip/pip.conf": "[global]\nindex-url = INDEX\n" + elsewhere},
			vars:  []string{"PIP_CONFIG_FILE=", "XDG_CONFIG_DIRS=HOME/xdg"},
		},
		"variables of pip": {vars: []string{
			"PIP_CONFIG_FILE=" + os.DevNull, "PIP_INDEX_URL=INDEX", "PIP_USER=1", "PIP_TARGET=ELSEWHERE", "PIP_PREFIX=ELSEWHERE", "PIP_ROOT=ELSEWHERE",
			"PIP_REQUIRE_VIRTUALENV=1", "PIP_DRY_RUN=1", "PIP_NO_DEPS=1", "PIP_PYTHON=ELSEWHERE", "PIP_PLATFORM=none", "PIP_REPORT=ELSEWHERE/r",
		}, both: true},
		"variables of Python": {vars: []string{
			"PYTHONUSERBASE=ELSEWHERE", "PYTHONPATH=ELSEWHERE", "PYTHONHOME=ELSEWHERE", "VIRTUAL_ENV=ELSEWHERE", "CONDA_PREFIX=ELSEWHERE",
		}, both: true},
		"variables of uv": {vars: []string{
			"UV_SYSTEM_PYTHON=1", "UV_PROJECT_ENVIRONMENT=ELSEWHERE", "UV_TARGET=ELSEWHERE", "UV_PREFIX=ELSEWHERE", "UV_CACHE_DIR=ELSEWHERE",
			"UV_NO_DEPS=1", "UV_OFFLINE=1", "UV_PYTHON=3.2", "UV_BREAK_SYSTEM_PACKAGES=1", "UV_WORKING_DIR=ELSEWHERE",
		}},
		"a file of uv":                {files: map[string]string{".config/uv/uv.toml": uvToml}},
		"a file that uv is told of":   {files: map[string]string{"uv.toml": uvToml}, vars: []string{"UV_CONFIG_FILE=HOME/uv.toml"}},
		"an index of uv alone":        {files: map[string]string{".config/uv/uv.toml": "[[index]]\nurl = \"INDEX\"\ndefault = true\n"}, vars: []string{"PIP_CONFIG_FILE=" + os.DevNull}},
		"an index by a variable":      {vars: []string{"PIP_CONFIG_FILE=" + os.DevNull, "UV_DEFAULT_INDEX=mine=INDEX"}},
		"an empty variable":           {vars: []string{"PIP_INDEX_URL=", "PIP_NO_INDEX="}},
		"a variable that says no":     {vars: []string{"PIP_NO_INDEX=0", "PIP_USER=no"}},
		"the wrong index is replaced": {files: map[string]string{"pip.conf": "[global]\nindex-url = http://127.0.0.1:1/\n[install]\nindex-url = INDEX\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, with := range []Installer{UV, Pip} {
				if with == Pip && !tc.both {
					continue
				}
				t.Run(string(with), func(t *testing.T) {
					t.Parallel()
					r := newReal(t, with)
					r.index.add(t, "deep", "1.0", "six")
					elsewhere := filepath.Join(r.home, "elsewhere")
					fill := strings.NewReplacer("ELSEWHERE", elsewhere, "=INDEX", "="+r.index.URL+"/simple", " INDEX\n", " "+r.index.URL+"/simple\n", "\"INDEX\"", "\""+r.index.URL+"/simple\"", "HOME/", r.home+"/").Replace
					for name, content := range tc.files {
						write(t, r.home, map[string]string{name: fill(content)})
					}
					for _, v := range tc.vars {
						r.set(fill(v))
					}
					write(t, r.dir, map[string]string{"requirements.txt": "deep\n"})
					r.expect("with "+string(with), true, "deep==1.0", "six==2.0")
					if _, err := os.Stat(elsewhere); err == nil {
						t.Errorf("something went to %s", elsewhere)
					}
				})
			}
		})
	}
}

// TestTwoIndexes takes the best version that any index has, as pip does.
func TestTwoIndexes(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *real) {
		first, second := newIndex(t), newIndex(t)
		first.add(t, "mine", "1.0")
		second.add(t, "mine", "2.0")
		write(t, r.dir, map[string]string{"requirements.txt": "--extra-index-url " + first.URL + "/simple\n--extra-index-url " + second.URL + "/simple\nmine>=2\nsix\n"})
		r.expect("two indexes", true, "mine==2.0", "six==2.0")
	})
}

// TestIndexWithLogin sees that a password reaches the index and nothing that is shown or kept.
func TestIndexWithLogin(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, r *real) {
		r.index.user = "ann:s3cret"
		withLogin := strings.Replace(r.index.URL, "://", "://ann:s3cret@", 1)
		write(t, r.home, map[string]string{"pip.conf": "[global]\nindex-url = " + withLogin + "/simple\n"})
		write(t, r.dir, map[string]string{"requirements.txt": "six\n"})
		run := r.builder.Run
		r.builder.Run = func(ctx context.Context, c platform.Command) error {
			if slices.ContainsFunc(c.Args, func(a string) bool { return strings.Contains(a, "s3cret") }) {
				t.Errorf("the password is an argument of %s", c.Path)
			}
			return run(ctx, c)
		}
		r.expect("with its login", true, "six==2.0")
		if said := strings.Join(r.events, "\n"); strings.Contains(said, "s3cret") {
			t.Errorf("said %s", said)
		}
		r.index.user = "ann:changed"
		withLogin = strings.Replace(r.index.URL, "://", "://ann:changed@", 1)
		write(t, r.home, map[string]string{"pip.conf": "[global]\nindex-url = " + withLogin + "/simple\n"})
		r.expect("with a new password", false, "six==2.0")
	})
}

// TestPipWhereUVFails sees that what uv refuses is installed all the same, and how a failure of both is told.
func TestPipWhereUVFails(t *testing.T) {
	t.Parallel()
	r := newReal(t, Auto)
	// pip takes an option that is cut short, uv does not.
	write(t, r.dir, map[string]string{"requirements.txt": "--requirem base.txt\n", "base.txt": "six\n"})
	r.expect("an abbreviation", true, "six==2.0")
	if !slices.ContainsFunc(r.events, func(e string) bool { return strings.Contains(e, "trying pip") }) {
		t.Errorf("uv did it alone: %q; then this test shows nothing", r.events)
	}
	write(t, r.dir, map[string]string{"requirements.txt": "no-such-thing\n"})
	_, _, err := r.build()
	if p := problemOf(err); p == nil || !strings.Contains(p.Hint, "no index has no-such-thing") {
		t.Errorf("error %+v", p)
	}
}

func problemOf(err error) *platform.Problem {
	var p *platform.Problem
	errors.As(err, &p)
	return p
}
