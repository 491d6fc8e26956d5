package supervise

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// InstanceSpec is an app to run as a deployment. All paths are absolute.
type InstanceSpec struct {
	Recipe      platform.Recipe
	Dir         string // the unpacked project, its working directory
	Environment platform.Environment
	Environ     []string          // the platform's own variables, of which apps get a few: see inherited
	Vars        map[string]string // the app's variables
	Home        string            // folder for the home, the temporary files and the state of this instance alone
	Data        string            // folder for what the app keeps, named to it as PLOOMBER_DATA_DIR; "" for none
	Output      string            // file to which its output is appended
	Limits      Limits
	Isolation   *Isolation           // enforces Limits; nil for none
	Notify      func(platform.Event) // gets warnings about the app, as platform.Noticed; may be nil
	OnPort      func(port int)       // is told the app's port before the app starts; may be nil

	ReadyTimeout time.Duration    // time limit for a start; 0 means 90 s
	Now          func() time.Time // required

	freePort         func() (int, error) // replaced by tests
	wrongAnswerLimit time.Duration
}

// Limits are what an app may use at most, as far as Isolation.Level says that they are in force; zero values do not limit.
type Limits struct {
	CPU       float64 // cores, once the app is ready
	Memory    int64   // bytes
	Processes int     // and threads
}

// entryMissing names what a deployment needs in place of a flag.
func entryMissing(s InstanceSpec, err error) error {
	var p *platform.Problem
	if !errors.As(err, &p) || s.Recipe.Entry == "" {
		return err
	}
	return &platform.Problem{
		Reason: platform.ReasonEntryMissing, Msg: s.Recipe.Entry + " not found in the project", Err: p.Err,
		Hint: "give the file that starts the app this name, then run 'ploomber-cloud deploy' again",
	}
}

// inherited returns those of the platform's variables that apps get: no setting or secret of the platform is among them.
func inherited(environ []string, runtime platform.Runtime) []string {
	names := []string{
		"PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
		"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "PROCESSOR_ARCHITECTURE",
		"NUMBER_OF_PROCESSORS", "PROGRAMDATA", "PROGRAMFILES",
	}
	if runtime == platform.Container { // for the client, whose variables the container does not get
		names = append(names, "HOME", "USERPROFILE", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "CONTAINER_HOST")
	}
	var kept []string
	for _, name := range names {
		if value := platform.Lookup(environ, name); value != "" {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// makeFolders creates the instance's folders, empties the one for temporary files, and ends what is left of an earlier run.
func (s InstanceSpec) makeFolders() error {
	if i, err := Adopt(s.Home); err == nil {
		i.Stop(launchGrace)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(s.tmp()); err != nil {
		return err
	}
	for _, dir := range []string{s.home(), s.tmp(), s.Data, filepath.Dir(s.Output)} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// makeRoot creates the folder for files of ours, again for each attempt: those that an app could change are not written to.
func (s InstanceSpec) makeRoot() error {
	if err := os.RemoveAll(s.root()); err != nil {
		return err
	}
	if err := os.Mkdir(s.root(), 0o700); err != nil {
		return err
	}
	project, err := os.OpenRoot(s.Dir) // an app could have put links in there that lead out of it
	if err != nil {
		return err
	}
	defer project.Close()
	return mirror(project.FS(), s.root(), s.Recipe.Mirror)
}

func (s InstanceSpec) home() string { return filepath.Join(s.Home, "home") }
func (s InstanceSpec) tmp() string  { return filepath.Join(s.Home, "tmp") }
func (s InstanceSpec) root() string { return filepath.Join(s.Home, "run") } // {root} of Recipe

// spec returns the part that apps of `up` have too.
func (s InstanceSpec) spec() Spec {
	own := map[string]string{"TMPDIR": s.tmp(), "TMP": s.tmp(), "TEMP": s.tmp()}
	if s.Recipe.Runtime != platform.Container { // whose client reads the user's settings
		for _, name := range homeNames() {
			own[name] = s.home()
		}
	}
	if s.Data != "" {
		own["PLOOMBER_DATA_DIR"] = s.Data
	}
	return Spec{
		Recipe: s.Recipe, Dir: s.Dir, Environment: s.Environment, Environ: platform.Environ(inherited(s.Environ, s.Recipe.Runtime), own),
		Vars: s.Vars, Home: s.Home, Now: s.Now, Notify: s.Notify, ReadyTimeout: s.ReadyTimeout, freePort: s.freePort, wrongAnswerLimit: s.wrongAnswerLimit, deployed: true,
	}.withDefaults()
}
