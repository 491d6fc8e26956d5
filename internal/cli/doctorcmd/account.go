package doctorcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// home checks the folder that holds the stored key and other files of the user.
func (e *examination) home(context.Context) {
	dir, err := e.Settings.Dir()
	if err != nil {
		e.failed("home", err, "")
		return
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.add(OK, "home", dir+" does not exist yet and will be created when needed", "")
	case err != nil:
		e.failed("home", err, "")
	case !info.IsDir():
		e.add(Problem, "home", dir+" is not a folder", "rename the file: the key is stored in a folder of this name")
	case e.modes() && info.Mode().Perm()&0o022 != 0:
		e.add(Warning, "home", fmt.Sprintf("%s is writable by other users (mode %o)", dir, info.Mode().Perm()), "run 'chmod go-w "+dir+"'")
	default:
		e.add(OK, "home", dir, "")
	}
}

// modes reports whether this system has Unix file modes.
func (e *examination) modes() bool { return e.OS != "windows" }

// private checks that a file with secrets is only readable by its owner. It returns false if it added a warning.
func (e *examination) private(name, path string) bool {
	info, err := os.Stat(path)
	if err != nil || !e.modes() || info.Mode().Perm()&0o077 == 0 {
		return true
	}
	e.add(Warning, name, fmt.Sprintf("%s is readable by other users (mode %o)", path, info.Mode().Perm()), "run 'chmod 600 "+path+"'")
	return false
}

func (e *examination) key(context.Context) {
	if files, err := e.Settings.KeyFiles(); err == nil {
		for _, file := range files {
			e.private("key file", file)
		}
	}
	stored, _ := e.Settings.StoredKey() // Key says what is wrong
	key, err := e.Settings.Key()
	if err != nil { // only a deployment needs one
		e.add(Warning, "key", err.Error(), cmp.Or(failure.Hint(err), "run 'ploomber-cloud login'"))
		return
	}
	e.hasKey = true
	message := "from " + key.Source
	if key.Source == settings.KeyVariable && stored.Source != "" {
		message += ", which takes precedence over the key stored in " + stored.Source
	}
	e.add(OK, "key", message, "")
}

// network shows how requests leave this machine. Of a proxy it shows only the host: the URL may contain a
// password.
func (e *examination) network(context.Context) {
	if _, err := e.Transport(); err != nil {
		e.failed("network", err, "correct the variable or the file")
		return
	}
	var uses []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if v, _ := e.Environ(name); v != "" {
			uses = append(uses, name+" ("+proxyHost(v)+")")
		}
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		if v, _ := e.Environ(name); v != "" {
			uses = append(uses, name+" ("+v+")")
		}
	}
	if len(uses) == 0 {
		e.add(OK, "network", "the environment sets no proxy and no additional certificate authorities", "")
		return
	}
	e.add(OK, "network", "the environment sets "+strings.Join(uses, ", "), "")
}

func proxyHost(value string) string {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return "invalid URL"
	}
	return u.Host
}

// platform checks that the platform answers and, with the key, which tier the user has.
func (e *examination) platform(ctx context.Context) {
	at, err := e.Settings.API()
	if err != nil {
		e.failed("platform", err, "")
		return
	}
	if e.Settings.Hosted() {
		message, hint := settings.Ended()
		e.add(Warning, "platform", message+"; "+at+" no longer answers", hint)
		return
	}
	if e.Offline {
		e.add(OK, "platform", at+", not asked (--offline)", "")
		return
	}
	if err := e.reach(ctx, at); err != nil {
		status := Problem
		if !e.hasKey {
			status = Warning
		}
		e.add(status, "platform", fmt.Sprintf("%s cannot be reached: %v", at, err),
			"check the connection; behind a proxy set HTTPS_PROXY, with a company's certificate pass --ca-cert")
		return
	}
	e.add(OK, "platform", at+" answers", "")
	api, err := e.Connect()
	if err != nil {
		return // reported by the check of the key
	}
	defer api.Close()
	ctx, cancel := e.patience(ctx)
	defer cancel()
	name, err := api.Tier(ctx)
	switch {
	case errors.Is(err, cloudapi.ErrUnauthorized):
		e.failed("account", err, "ask the operator of the platform for a key, and store it with 'ploomber-cloud login "+at+"'")
	case err != nil:
		e.failed("account", err, "try again later")
	default:
		if e.plan, e.knownPlan = tier.Named(name); !e.knownPlan {
			e.add(Warning, "account", "the key is accepted, but this version does not know the tier "+term.Printable(name),
				"a newer release may: see 'ploomber-cloud version'")
			return
		}
		e.add(OK, "account", "the key is accepted; tier "+name, "")
	}
}

// reach makes one request without the key. Any response will do.
func (e *examination) reach(ctx context.Context, address string) error {
	t, err := e.Transport()
	if err != nil {
		return err
	}
	ctx, cancel := e.patience(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/", nil)
	if err != nil {
		return err
	}
	reply, err := t.RoundTrip(r)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return errors.New("timed out")
		}
		return err
	}
	return reply.Body.Close()
}

// relative returns a path relative to the project, as the user would type it.
func (e *examination) relative(path string) string {
	if rel, err := filepath.Rel(e.Folder.Dir, path); err == nil {
		return rel
	}
	return path
}
