package build

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Installer selects the tool that creates virtual environments and installs packages.
type Installer string

// The installers. Auto is uv, or pip if uv is unavailable, would behave differently from pip, or fails.
const (
	Auto Installer = "auto"
	UV   Installer = "uv"
	Pip  Installer = "pip"
)

// Installers lists the choices.
func Installers() []Installer { return []Installer{Auto, UV, Pip} }

// installer is a way to create a virtual environment and to install packages into it. Its fields are commands: program and
// arguments.
type installer struct {
	name     string
	creates  []string                     // the folder of the environment follows
	installs func(python string) []string // into the environment of an interpreter; what to install follows
	resolves []string                     // the requirements follow; nil if it cannot do that without installing them
	env      []string
}

// uvInstaller installs with uv what pip would: from the best version that any index has, unless the project says which
// index has what.
func (b *Builder) uvInstaller(r report, uv string) installer {
	var args []string
	set := r.Settings
	if len(r.Indexes) == 0 && r.UVFile == "" {
		args = append(args, "--index-strategy", "unsafe-best-match")
	}
	if r.changesInPlace() {
		args = append(args, "--refresh") // else a package built from a folder is taken from uv's cache though the folder has changed
	}
	if r.Pre || set["pre"] != "" {
		args = append(args, "--prerelease", "allow")
	}
	if r.RequireHashes {
		args = append(args, "--require-hashes")
	}
	if set["no-index"] != "" {
		args = append(args, "--no-index")
	}
	for _, name := range []string{"no-binary", "only-binary"} {
		for value := range strings.SplitSeq(set[name], ",") {
			if value = strings.TrimSpace(value); value != "" && value != ":none:" {
				args = append(args, "--"+name, value)
			}
		}
	}
	for _, host := range slices.Concat(r.Trusted, strings.Fields(set["trusted-host"])) {
		args = append(args, "--allow-insecure-host", host)
	}
	for name, flag := range map[string]string{"constraint": "--constraint", "build-constraint": "--build-constraint"} {
		for _, path := range strings.Fields(set[name]) {
			args = append(args, flag, path)
		}
	}
	return installer{
		name:    "uv",
		creates: []string{uv, "venv", "--quiet", "--no-project", "--python", r.Path}, // it would say how to activate what it creates
		installs: func(python string) []string {
			return slices.Concat([]string{uv, "pip", "install", "--python", python}, args)
		},
		// Without --quiet it prints what it also writes to a file: a thousand lines of hashes.
		resolves: slices.Concat([]string{uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--python", r.Path}, args),
		env:      b.uvEnviron(r),
	}
}

// pipInstaller uses what comes with Python.
func (b *Builder) pipInstaller(r report) installer {
	return installer{
		name:    "pip",
		creates: []string{r.Path, "-I", "-m", "venv"},
		installs: func(python string) []string {
			return []string{
				python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-compile", "--progress-bar", "off",
			}
		},
		env: b.pipEnviron(r),
	}
}

// pipEnviron is what pip sees: of the user's settings only those that the inspector lets through, whatever files and
// variables they come from. Values go through variables, because an address may hold a password.
func (b *Builder) pipEnviron(r report) []string {
	null := os.DevNull
	if runtime.GOOS == "windows" {
		null = "nul" // as Python spells it
	}
	vars := map[string]string{
		"PIP_CONFIG_FILE":      null,     // no file is read
		"PIP_ROOT_USER_ACTION": "ignore", // it warns root of changing the system, which no build does
	}
	for name, value := range r.Settings {
		if name != "system-certs" {
			vars["PIP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = value
		}
	}
	return platform.Environ(b.environ(), vars)
}

// uvEnviron tells uv, which reads no settings of pip, the same in its own words.
func (b *Builder) uvEnviron(r report) []string {
	set := r.Settings
	vars := map[string]string{
		"UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1",
		"UV_CACHE_DIR": b.downloads(), // beside the environments: files are linked, not copied
	}
	put := func(name, value string) {
		if value != "" {
			vars[name] = value
		}
	}
	if !r.Index { // uv would let it win over that of the requirements file
		put("UV_DEFAULT_INDEX", set["index-url"])
	}
	put("UV_EXTRA_INDEX_URL", strings.Join(append(slices.Clone(r.Indexes), strings.Fields(set["extra-index-url"])...), " "))
	put("UV_FIND_LINKS", strings.Join(existing(r.dir, strings.Fields(set["find-links"])), ","))
	put("UV_HTTP_TIMEOUT", set["timeout"])
	put("UV_HTTP_RETRIES", set["retries"])
	put("SSL_CLIENT_CERT", expandHome(b.Environ, set["client-cert"]))
	if provider := set["keyring-provider"]; provider == "subprocess" || provider == "disabled" {
		put("UV_KEYRING_PROVIDER", provider)
	}
	environ := b.environ()
	cert := cmp.Or(set["cert"], platform.Lookup(b.Environ, "REQUESTS_CA_BUNDLE"), platform.Lookup(b.Environ, "CURL_CA_BUNDLE"))
	if cert = expandHome(b.Environ, cert); cert == "" {
		vars["UV_SYSTEM_CERTS"], vars["UV_NATIVE_TLS"] = "1", "1" // as pip does; the second is for older versions of uv
	} else {
		environ = platform.Without(environ, "SSL_CERT_FILE", "SSL_CERT_DIR")
		vars["SSL_CERT_FILE"] = cert
		if info, err := os.Stat(cert); err == nil && info.IsDir() {
			delete(vars, "SSL_CERT_FILE")
			vars["SSL_CERT_DIR"] = cert
		}
	}
	if proxy := set["proxy"]; proxy != "" {
		if !strings.Contains(proxy, "://") {
			proxy = "http://" + proxy
		}
		environ = platform.Without(environ, "http_proxy", "https_proxy", "all_proxy", "no_proxy", "NO_PROXY")
		vars["HTTP_PROXY"], vars["HTTPS_PROXY"], vars["ALL_PROXY"] = proxy, proxy, proxy
	}
	return platform.Environ(environ, vars)
}

// existing leaves out what is not there, seen from dir: pip passes over it, uv fails.
func existing(dir string, links []string) []string {
	return slices.DeleteFunc(links, func(link string) bool {
		if strings.Contains(link, "://") || strings.HasPrefix(link, "file:") {
			return false
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(dir, link)
		}
		_, err := os.Stat(link)
		return err != nil
	})
}

// expandHome does for a path what pip does.
func expandHome(environ []string, path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if home := platform.Lookup(environ, "HOME"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	return path
}

// apiKey must not be passed to third-party programs.
const apiKey = "PLOOMBER_CLOUD_KEY"

// environ is the environment of installers: the caller's variables without the API key, because they run
// third-party code, and without any that would select another environment.
func (b *Builder) environ() []string {
	return slices.DeleteFunc(b.visible(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		if runtime.GOOS == "windows" {
			name = strings.ToUpper(name)
		}
		switch name {
		case "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE",
			"PYTHONNOUSERSITE", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE", "PYTHONSTARTUP", "PYTHONSAFEPATH",
			"PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX":
			return true
		}
		return strings.HasPrefix(name, "PIP_") || strings.HasPrefix(name, "UV_") && !isIndexLogin(name)
	})
}

// isIndexLogin reports whether a variable holds the login for an index that the project names: UV_INDEX_NAME_PASSWORD.
func isIndexLogin(name string) bool {
	return strings.HasPrefix(name, "UV_INDEX_") && (strings.HasSuffix(name, "_USERNAME") || strings.HasSuffix(name, "_PASSWORD"))
}

// chosen returns the installers to try in order. uv is the path of uv, "" where there is none.
func (b *Builder) chosen(r report, uv string) ([]installer, error) {
	pip := b.pipInstaller(r)
	if uv == "" {
		if r.UVOnly != "" {
			return nil, &platform.Problem{Reason: platform.ReasonBuild, Msg: r.UVOnly + ", but uv is unavailable", Hint: "run 'pip install uv' and try again"}
		}
		return []installer{pip}, nil
	}
	with := b.uvInstaller(r, uv)
	if b.Installer == UV || r.UVOnly != "" {
		return []installer{with}, nil
	}
	return []installer{with, pip}, nil
}

// wantsUV reports whether uv can install what r requires. The error is a *platform.Problem if the requested
// installer cannot.
func (b *Builder) wantsUV(r report) (bool, error) {
	switch {
	case b.Installer == Pip && r.UVOnly != "":
		return false, &platform.Problem{Reason: platform.ReasonBuild, Msg: r.UVOnly, Hint: "run without --installer pip"}
	case b.Installer == Pip:
		return false, nil
	case b.Installer == UV || r.UVOnly != "":
		return true, nil
	}
	return r.PipOnly == "", nil
}
