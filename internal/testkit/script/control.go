package script

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// cloudCommand changes the script's platform.
func cloudCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "cloud tier|fate|project|files|log|page|break|edit|platform ...")
	c, rest := of(ts).cloud, args[1:]
	switch args[0] {
	case "tier":
		c.SetTier(rest[0])
	case "fate":
		c.SetFate(rest...)
	case "project":
		usage(ts, len(rest) >= 2, "cloud project ID TYPE [name=|labels=|secrets=|jobs=|cpu=|ram=|gpu=|auth=true|analytics=true]...")
		f := fields(ts, rest[2:])
		c.AddProject(fakecloud.Project{
			ID: rest[0], Type: rest[1], Name: f["name"], Labels: list(f["labels"]), Secrets: list(f["secrets"]),
			Jobs: list(f["jobs"]), CPU: f["cpu"], RAM: f["ram"], GPU: f["gpu"],
			Auth: f["auth"] != "", Analytics: f["analytics"] != "",
			Files: folderZip(ts, f["files"]),
		})
	case "job":
		c.EditJob(rest[0], func(j *fakecloud.Job) { j.Statuses = rest[1:] })
	case "log":
		usage(ts, len(rest) == 3, "cloud log JOB build|app FILE")
		text := ts.ReadFile(rest[2])
		c.EditJob(rest[0], func(j *fakecloud.Job) {
			if rest[1] == "build" {
				j.Build = text
			} else {
				j.App = text
			}
		})
	case "page":
		usage(ts, len(rest) == 3, "cloud page /path STATUS FILE|FOLDER (a folder is sent as zip)")
		status, err := strconv.Atoi(rest[1])
		ts.Check(err)
		if info, err := os.Stat(ts.MkAbs(rest[2])); err == nil && info.IsDir() {
			c.SetPage(rest[0], status, folderZip(ts, rest[2]))
			return
		}
		c.SetPage(rest[0], status, []byte(ts.ReadFile(rest[2])))
	case "break":
		breakCommand(ts, c, rest)
	case "edit":
		editCommand(ts, c, rest)
	case "platform":
		platformCommand(ts, c, rest)
	case "reason":
		usage(ts, len(rest) == 4, "cloud reason JOB REASON DETAIL NEXT-STEP")
		c.EditJob(rest[0], func(j *fakecloud.Job) { j.Reason, j.Detail, j.NextStep = rest[1], []string{rest[2]}, rest[3] })
	case "state":
		usage(ts, len(rest) == 2, "cloud state JOB STATE")
		c.EditJob(rest[0], func(j *fakecloud.Job) { j.State = rest[1] })
	default:
		ts.Fatalf("%s", unknown("part of the cloud", args[0]))
	}
}

// platformCommand makes the cloud a platform of one's own: one that runs elsewhere, or one that this user runs here and that
// is registered in the home. Of the latter only the registration is left when it is down.
func platformCommand(ts *testscript.TestScript, c *fakecloud.Cloud, args []string) {
	usage(ts, len(args) == 1, "cloud platform elsewhere|here|down")
	api := c.URL()
	switch args[0] {
	case "here", "elsewhere":
		c.OwnPlatform()
	case "down":
		api = "http://127.0.0.1:1"
	default:
		ts.Fatalf("%s", unknown("platform", args[0]))
	}
	if args[0] == "elsewhere" {
		return
	}
	home := ts.Getenv("HOME")
	folder := filepath.Join(home, ".ploomber", "platforms")
	ts.Check(os.MkdirAll(folder, 0o700))
	key := filepath.Join(home, "owner.key")
	ts.Check(os.WriteFile(key, []byte("# of the owner\n"+Key+"\n"), 0o600))
	about, err := json.Marshal(map[string]string{"api": api, "dashboard": fakecloud.Dashboard, "apps": "localhost:8080", "owner_key_file": key})
	ts.Check(err)
	u, err := url.Parse(api)
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(folder, u.Hostname()+"_"+u.Port()+".json"), about, 0o600))
}

// breakCommand makes requests go wrong: answered with a status and the content of a file, cut off, cut short.
func breakCommand(ts *testscript.TestScript, c *fakecloud.Cloud, args []string) {
	usage(ts, len(args) >= 3, "cloud break METHOD /path status=N|cut|cutlate|truncate [body=FILE] [type=] [times=N]")
	f := fakecloud.Fault{Method: args[0], Path: args[1], Status: 200}
	for _, a := range args[2:] {
		name, value, _ := strings.Cut(a, "=")
		var err error
		switch name {
		case "status":
			f.Status, err = strconv.Atoi(value)
		case "times":
			f.Times, err = strconv.Atoi(value)
		case "body":
			f.Body = []byte(ts.ReadFile(value))
		case "type":
			f.Type = value
		case "cut":
			f.Kind = fakecloud.Cut
		case "cutlate":
			f.Kind = fakecloud.CutLate
		case "truncate":
			f.Kind = fakecloud.Truncate
		default:
			ts.Fatalf("%s", unknown("fault", a))
		}
		ts.Check(err)
	}
	c.Break(f)
}

// editCommand replaces a file while a program waits for the first response from a path, as an editor would that is open beside it.
func editCommand(ts *testscript.TestScript, c *fakecloud.Cloud, args []string) {
	usage(ts, len(args) == 3, "cloud edit /path FILE NEW")
	path, file, text := args[0], ts.MkAbs(args[1]), []byte(ts.ReadFile(args[2]))
	var once sync.Once
	c.Observe(func(r fakecloud.Request) {
		if r.Path == path {
			once.Do(func() { _ = os.WriteFile(file, text, 0o600) }) // the script compares the file
		}
	})
}

// folderZip is a folder of the script as an archive, nil where none is named.
func folderZip(ts *testscript.TestScript, name string) []byte {
	if name == "" {
		return nil
	}
	dir := ts.MkAbs(name)
	all, err := contents(dir)
	ts.Check(err)
	files := map[string]string{}
	for path, text := range all {
		rel, err := filepath.Rel(dir, path)
		ts.Check(err)
		files[filepath.ToSlash(rel)] = text
	}
	data, err := fakecloud.Zip(files)
	ts.Check(err)
	return data
}

// sameJSON compares two JSON texts by their values.
func sameJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "json FILE|stdout|stderr FILE")
	got, want := ts.ReadFile(args[0]), os.Expand(ts.ReadFile(args[1]), ts.Getenv)
	var a, b any
	if err := decode(got, &a); err != nil {
		ts.Fatalf("%s is not JSON: %v\n%s", args[0], err, got)
	}
	if err := decode(want, &b); err != nil {
		ts.Fatalf("%s is not JSON: %v", args[1], err)
	}
	if !reflect.DeepEqual(a, b) {
		ts.Fatalf("%s holds\n%s\nwant\n%s", args[0], got, want)
	}
}

// decode reads one JSON value and nothing behind it.
func decode(text string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return os.ErrInvalid
	}
	return nil
}
