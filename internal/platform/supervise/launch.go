package supervise

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// private names the caller's variables that no app gets. The API key is not the app's.
func private() []string { return []string{"PLOOMBER_CLOUD_KEY", markName} }

// foreign names variables that would let another Python, or the settings of whoever runs us, leak into an app
// that has its own.
func foreign() []string {
	return []string{
		"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "__PYVENV_LAUNCHER__",
		"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
		"GUNICORN_CMD_ARGS", "CHAINLIT_APP_ROOT", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR",
	}
}

// launch is one app made ready to be started: everything but the port is decided.
type launch struct {
	spec   Spec
	entry  string
	root   string // {root}: private to this run, removed by discard
	name   string // of a container
	secret string
}

// prepare finds the file to start and makes the app's folders. The error is a *platform.Problem where the
// project is at fault. The caller calls discard in the end.
func prepare(s Spec) (*launch, error) {
	entry, err := platform.Entry(s.Dir, s.Recipe)
	if err != nil {
		return nil, err
	}
	run := strings.ToLower(rand.Text()[:12])
	l := &launch{spec: s, entry: entry, root: filepath.Join(s.Home, "run-"+run), name: "ploomber-cloud-" + run, secret: rand.Text()}
	if err := os.MkdirAll(l.root, 0o700); err != nil {
		return nil, fmt.Errorf("make the app's folder: %w", err)
	}
	if err := mirror(s.Dir, l.root, s.Recipe.Mirror); err != nil {
		l.discard()
		return nil, fmt.Errorf("make the app's folder: %w", err)
	}
	return l, nil
}

func (l *launch) discard() { _ = os.RemoveAll(l.root) }

// command returns what starts the app on a port of the loopback interface.
func (l *launch) command(port int) (platform.Command, error) {
	recipe, env := l.spec.Recipe, l.spec.Environment
	program := env.Program
	if program == "" {
		found, ok := platform.Executable(filepath.Join(env.Bin, recipe.Program))
		if !ok {
			return platform.Command{}, &platform.Problem{Msg: recipe.Program + " is not installed in " + env.Bin}
		}
		program = found
	}
	fill := strings.NewReplacer(
		"{entry}", l.entry, "{port}", strconv.Itoa(port), "{root}", l.root,
		"{secret}", l.secret, "{image}", env.Image, "{name}", l.name)
	c := platform.Command{Path: program, Dir: l.spec.Dir, Env: l.environ(fill), Output: l.spec.Log}
	for _, arg := range recipe.Args {
		if arg == "{env}" {
			for _, name := range slices.Sorted(maps.Keys(l.spec.Vars)) {
				c.Args = append(c.Args, "--env", name)
			}
			continue
		}
		c.Args = append(c.Args, fill.Replace(arg))
	}
	if len(recipe.Cleanup) > 0 {
		c.Cleanup = []string{program}
		for _, arg := range recipe.Cleanup {
			c.Cleanup = append(c.Cleanup, fill.Replace(arg))
		}
	}
	return c, nil
}

// environ returns the app's variables: the caller's, then our defaults, then the project's own, then those
// that make the environment work.
func (l *launch) environ(fill *strings.Replacer) []string {
	base := platform.Without(l.spec.Environ, private()...)
	defaults := map[string]string{}
	for name, value := range l.spec.Recipe.Env {
		defaults[name] = fill.Replace(value)
	}
	must := maps.Clone(l.spec.Environment.Vars)
	if must == nil {
		must = map[string]string{}
	}
	if l.spec.Recipe.Runtime == platform.Python {
		base = platform.Without(base, foreign()...)
		defaults["PYTHONUNBUFFERED"] = "1"
		// Settings, sockets and caches of the frameworks go to the home folder: each app has its own, as it has
		// where it is deployed.
		for _, name := range homeNames() {
			defaults[name] = l.spec.Home
		}
	}
	if bin := l.spec.Environment.Bin; bin != "" {
		path := platform.Lookup(base, "PATH")
		if own, ok := l.spec.Vars["PATH"]; ok {
			path = own
		}
		must["PATH"] = bin + string(os.PathListSeparator) + path
	}
	return platform.Environ(base, defaults, l.spec.Vars, must)
}

func homeNames() []string {
	if runtime.GOOS == "windows" {
		return []string{"USERPROFILE", "HOME"}
	}
	return []string{"HOME"}
}

// mirror copies what matches patterns in from to the folder to. Links are followed, as a reader of the project
// would.
func mirror(from, to string, patterns []string) error {
	project := os.DirFS(from)
	for _, pattern := range patterns {
		names, err := fs.Glob(project, pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := copyTree(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyTree(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o600)
	}
	if err := os.Mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			continue // below the top a link may lead round in circles
		}
		if err := copyTree(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
