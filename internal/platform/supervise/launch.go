package supervise

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// private lists the caller's variables that no app gets, such as the API key.
func private() []string { return []string{"PLOOMBER_CLOUD_KEY", markName} }

// foreign lists variables that would let another Python, or settings for another program, affect an app with its
// own environment.
func foreign() []string {
	return []string{
		"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "__PYVENV_LAUNCHER__",
		"GUNICORN_CMD_ARGS", "CHAINLIT_APP_ROOT",
	}
}

// homes lists variables for folders of the user besides the home folder.
func homes() []string {
	return []string{
		"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
		"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR",
	}
}

// launch is an app ready to be started: everything but the port is decided.
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

// prepare finds the file to start and creates the app's folders. The error is a *platform.Problem if the project
// is at fault. The caller must call discard.
func prepare(s Spec) (*launch, error) {
	run := newRun()
	l, err := newLaunch(s, run, filepath.Join(s.Home, runPrefix+run))
	if err != nil {
		return nil, err
	}
	if err := l.makeRoot(); err != nil {
		return nil, fmt.Errorf("create the app's folder: %w", err)
	}
	if err := mirror(os.DirFS(s.Dir), l.root, s.Recipe.Mirror); err != nil {
		l.discard()
		return nil, fmt.Errorf("create the app's folder: %w", err)
	}
	return l, nil
}

// newRun returns a name that no other run has.
func newRun() string { return strings.ToLower(rand.Text()[:12]) }

// newLaunch finds the file to start. run is a name that no other run has.
func newLaunch(s Spec, run, root string) (*launch, error) {
	entry, err := platform.Entry(s.Dir, s.Recipe)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(entry, "-") {
		entry = "./" + entry // or it would be taken for an option
	}
	return &launch{spec: s, entry: entry, root: root, name: "ploomber-cloud-" + run, secret: rand.Text() + rand.Text()}, nil
}

// makeRoot creates the folder of this run and removes those of killed runs, which are not locked.
func (l *launch) makeRoot() error {
	home := l.spec.Home
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	all := flock.New(filepath.Join(home, runPrefix+"all"+lockSuffix)) // otherwise we could remove a folder that is not locked yet
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

// title names the app in messages.
func (l *launch) title() string { return cmp.Or(l.spec.Recipe.Command, l.entry) }

// command returns what starts the app on a port of the loopback interface.
func (l *launch) command(port int) (platform.Command, error) {
	recipe, env := l.spec.Recipe, l.spec.Environment
	fill := l.placeholders(port)
	c := platform.Command{Dir: l.spec.Dir, Env: l.environ(fill), Output: l.spec.Log, Edit: l.banner(port)}
	if recipe.Launcher != "" {
		file := filepath.Join(l.root, platform.LauncherName+".py")
		if err := os.WriteFile(file, []byte(platform.LauncherSource()+"\n\n"+fill.Replace(recipe.Launcher)+"\n"), 0o600); err != nil {
			return c, fmt.Errorf("create the app's folder: %w", err)
		}
	}
	if recipe.Command != "" {
		c.Path, c.Args = shell(recipe.Command, c.Env)
		return c, nil
	}
	c.Path = env.Program
	if c.Path == "" {
		found, ok := platform.Executable(filepath.Join(env.Bin, recipe.Program))
		if !ok {
			return c, &platform.Problem{Msg: recipe.Program + " is not installed in " + env.Bin}
		}
		c.Path = found
	}
	args := recipe.Args
	if l.spec.Changes != nil {
		args = slices.Concat(args, recipe.Reload)
	}
	for _, arg := range args {
		if arg == "{env}" {
			for _, name := range slices.Sorted(maps.Keys(l.spec.Vars)) {
				c.Args = append(c.Args, "--env", name)
			}
			continue
		}
		c.Args = append(c.Args, fill.Replace(arg))
	}
	if len(recipe.Cleanup) > 0 {
		c.Cleanup = []string{c.Path}
		for _, arg := range recipe.Cleanup {
			c.Cleanup = append(c.Cleanup, fill.Replace(arg))
		}
	}
	return c, nil
}

func (l *launch) placeholders(port int) *strings.Replacer {
	entry, object := l.entry, l.spec.Recipe.Object
	return strings.NewReplacer(
		"{entry}", entry, "{entry_text}", literal(entry), "{object}", object, "{object_text}", literal(object),
		"{port}", strconv.Itoa(port), "{root}", l.root, "{secret}", l.secret, "{base}", l.spec.Recipe.Base,
		"{image}", l.spec.Environment.Image, "{name}", l.name)
}

// literal is text as a string literal of Python, R and JSON.
func literal(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		return `""` // no string is without an encoding
	}
	return string(data)
}

// shell returns the program that runs a command line, and its arguments.
func shell(command string, environ []string) (string, []string) {
	if runtime.GOOS == "windows" {
		program := platform.Lookup(environ, "COMSPEC")
		return cmp.Or(program, `C:\Windows\System32\cmd.exe`), []string{"/d", "/c", onWindows(command, environ)}
	}
	return "/bin/sh", []string{"-c", command}
}

// onWindows replaces $PORT, which cmd.exe would not.
func onWindows(command string, environ []string) string {
	port := platform.Lookup(environ, "PORT")
	return strings.NewReplacer("${PORT}", port, "$PORT", port).Replace(command)
}

// banner is Banner for the app of l; nil if it has no public address.
func (l *launch) banner(port int) func(string) string {
	if l.spec.Public == "" {
		return nil
	}
	return Banner(port, l.spec.Public)
}

// Banner returns a filter for the output of an app. It shows the public address (scheme, host and port) in place of the
// app's own, which would bypass the login.
func Banner(port int, public string) func(line string) string {
	own := regexp.MustCompile(`https?://(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.*_-]+):` + strconv.Itoa(port) + `\b`)
	return func(line string) string {
		return own.ReplaceAllLiteralString(line, public)
	}
}

// environ returns the app's variables: the caller's, then our defaults, then the project's own, then those that
// activate the environment.
func (l *launch) environ(fill *strings.Replacer) []string {
	base := platform.Without(l.spec.Environ, private()...)
	defaults := map[string]string{}
	for name, value := range l.spec.Recipe.Env {
		defaults[name] = fill.Replace(value)
	}
	must := map[string]string{}
	for name, value := range l.spec.Recipe.Must {
		must[name] = fill.Replace(value)
	}
	maps.Copy(must, l.spec.Environment.Vars)
	if l.spec.Recipe.Runtime == platform.Python {
		base = platform.Without(base, foreign()...)
		defaults["PYTHONUNBUFFERED"] = "1"
		if l.spec.IsolatedHome {
			base = platform.Without(base, homes()...)
			for _, name := range homeNames() {
				defaults[name] = l.spec.Home
			}
		}
	}
	launcher := ""
	if l.spec.Recipe.Launcher != "" {
		launcher = l.root
	}
	if path := joinPath(launcher, l.spec.Vars["PYTHONPATH"], l.spec.Environment.Vars["PYTHONPATH"]); path != "" {
		must["PYTHONPATH"] = path
	}
	if bin := l.spec.Environment.Bin; bin != "" {
		path := platform.Lookup(base, "PATH")
		if own, ok := l.spec.Vars["PATH"]; ok {
			path = own
		}
		must["PATH"] = joinPath(bin, path)
	}
	return platform.Environ(base, defaults, l.spec.Vars, must)
}

// joinPath joins folders and lists of folders. Empty ones are left out, since they would mean the working folder.
func joinPath(folders ...string) string {
	folders = slices.DeleteFunc(folders, func(folder string) bool { return folder == "" })
	return strings.Join(folders, string(os.PathListSeparator))
}

func homeNames() []string {
	if runtime.GOOS == "windows" {
		return []string{"USERPROFILE", "HOME"}
	}
	return []string{"HOME"}
}
