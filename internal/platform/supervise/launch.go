package supervise

import (
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

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
	root   string       // {root}: private to this run, removed by discard
	lock   *flock.Flock // held as long as root is in use
	name   string       // of a container
	secret string
}

const (
	runPrefix  = "run-"
	lockSuffix = ".lock"
)

// prepare finds the file to start and makes the app's folders. The error is a *platform.Problem where the
// project is at fault. The caller calls discard in the end.
func prepare(s Spec) (*launch, error) {
	entry, err := platform.Entry(s.Dir, s.Recipe)
	if err != nil {
		return nil, err
	}
	run := strings.ToLower(rand.Text()[:12])
	l := &launch{spec: s, entry: entry, root: filepath.Join(s.Home, runPrefix+run), name: "ploomber-cloud-" + run, secret: rand.Text()}
	if err := l.makeRoot(); err != nil {
		return nil, fmt.Errorf("make the app's folder: %w", err)
	}
	if err := mirror(s.Dir, l.root, s.Recipe.Mirror); err != nil {
		l.discard()
		return nil, fmt.Errorf("make the app's folder: %w", err)
	}
	return l, nil
}

// makeRoot makes the folder of this run and removes those of runs that were killed, which nobody has locked.
func (l *launch) makeRoot() error {
	home := l.spec.Home
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	all := flock.New(filepath.Join(home, runPrefix+"all"+lockSuffix)) // or we could remove a folder not yet locked
	if err := all.Lock(); err != nil {
		return err
	}
	defer func() { _ = all.Unlock() }()
	entries, err := os.ReadDir(home)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), runPrefix) {
			old := &launch{root: filepath.Join(home, e.Name())}
			old.lock = flock.New(old.root + lockSuffix)
			if ok, err := old.lock.TryLock(); ok && err == nil {
				old.discard()
			}
		}
	}
	l.lock = flock.New(l.root + lockSuffix)
	if err := l.lock.Lock(); err != nil {
		return err
	}
	return os.Mkdir(l.root, 0o700)
}

// discard removes the folder of this run.
func (l *launch) discard() {
	_ = os.RemoveAll(l.root)
	_ = l.lock.Unlock()
	_ = os.Remove(l.lock.Path())
}

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
