// Package script runs txtar scripts on the built program, each with a home, a project and a platform of its own,
// and looks through everything the program said and left behind for secrets. It must not know what any command
// does: that is in the scripts.
package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// Key is the API key that every script's platform knows.
const Key = Canary + "api_key"

// Canary begins every value in a script that must never be shown.
const Canary = "CANARY_"

// Program is what the scripts run.
type Program struct {
	Bin      string   // folder that holds ploomber-cloud
	Path     string   // where other programs are found
	Environ  []string // beside what every script gets
	Tolerant bool     // failures of the scripts do not count: only what leaks does
	Ran      func()   // hears of each script that is run; may be nil
}

// Run runs all scripts of a folder as parallel subtests.
func Run(t *testing.T, p Program, dir string) {
	t.Helper()
	testscript.RunT(watched{t, p}, testscript.Params{
		Dir: dir, ContinueOnError: p.Tolerant, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error { return setup(e, p) },
		Cmds:  commands(),
	})
}

// state is what one script works on.
type state struct {
	cloud *fakecloud.Cloud
	work  string
	first map[string]string // content by path, as the script began

	serving *serving // nil before the script's app is started
}

type stateKey struct{}

func of(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// setup gives the script its surroundings: app is the project and the current folder, home is beside it.
func setup(e *testscript.Env, p Program) error {
	if p.Ran != nil {
		p.Ran()
	}
	for _, dir := range []string{"app", "home"} {
		if err := os.MkdirAll(filepath.Join(e.WorkDir, dir), 0o755); err != nil {
			return err
		}
	}
	s := &state{cloud: fakecloud.Start(Key), work: e.WorkDir}
	var err error
	if s.first, err = contents(e.WorkDir); err != nil {
		return err
	}
	e.Values[stateKey{}] = s
	e.Cd = filepath.Join(e.WorkDir, "app")
	home := filepath.Join(e.WorkDir, "home")
	e.Vars = append(e.Vars, "HOME="+home, "USERPROFILE="+home, "LANG=C.UTF-8", "TERM=dumb", "API="+s.cloud.URL(),
		"PATH="+p.Bin+string(os.PathListSeparator)+p.Path)
	for _, v := range s.cloud.Environ() {
		if _, none := s.first[filepath.Join(e.WorkDir, noPlace)]; !none || !namesPlace(v) {
			e.Vars = append(e.Vars, v)
		}
	}
	e.Vars = append(e.Vars, p.Environ...)
	e.Defer(func() {
		s.cloud.Close()
		e.T().(*transcript).done(s)
	})
	return nil
}

// noPlace is the file of a script whose environment names no platform and no key.
const noPlace = "no-place"

func namesPlace(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return name == "PLOOMBER_CLOUD_KEY" || name == "PLOOMBER_CLOUD_API_URL" || name == "_PLOOMBER_CLOUD_ENV"
}

// contents reads every regular file below dir. A file that cannot be read has no content.
func contents(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // a script may forbid reading
		}
		data, _ := os.ReadFile(path)
		files[path] = string(data)
		return nil
	})
	return files, err
}
