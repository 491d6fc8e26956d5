package dialog_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

const (
	dashConfig = `{"id": "demo", "type": "dash"}`
	post       = "POST /jobs/webservice/dash?project_id=demo"
)

// deployment is one of the test's folder, whose platform knows the project demo with secrets of earlier.
func deployment(d *cmdtest.Setup, earlier ...string) (*dialog.Deploy, *notes) {
	d.Cloud.AddProject(fakecloud.Project{ID: "demo", Type: "dash", Secrets: earlier})
	heard := &notes{}
	return &dialog.Deploy{
		Deploy: flow.Deploy{Folder: d.Folder(), Connect: d.Connect, Environ: d.Lookup}, Report: heard, Ask: d.Ask,
	}, heard
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		says  string
	}{
		"no project":           {says: "run 'ploomber-cloud init'"},
		"a broken project":     {files: map[string]string{"ploomber-cloud.json": "{"}, says: "init --force"},
		"a missing secret":     {files: map[string]string{"ploomber-cloud.json": `{"id": "demo", "type": "dash", "secret-keys": ["TOKEN"]}`}, says: "TOKEN"},
		"credentials nowhere":  {files: map[string]string{"ploomber-cloud.json": `{"id": "demo", "type": "dash", "authentication": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`}, says: "auth --add --feature main_app"},
		"analytics nowhere":    {files: map[string]string{"ploomber-cloud.json": `{"id": "demo", "type": "dash", "authentication_analytics": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`}, says: "auth --add --feature analytics"},
		"access rules":         {files: map[string]string{"ploomber-cloud.json": dashConfig, ".env": "AUTH_ALLOWED_DOMAINS=example.com\n"}, says: "does not support AUTH_ALLOWED_DOMAINS"},
		"an unprotectable API": {files: map[string]string{"ploomber-cloud.json": dashConfig, ".env": "username_api=ann\npassword_api=p\n"}, says: "auth --remove --feature api"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files)
			o, _ := deployment(d)
			p, err := o.Prepare(t.Context())
			if err == nil || p != nil {
				t.Fatalf("%+v, %v", p, err)
			}
			if said := d.Said(err); !strings.Contains(said, tc.says) || failure.Code(err) != failure.Failed {
				t.Errorf("exit status %d, says %q, want %q", failure.Code(err), said, tc.says)
			}
			if asked := d.Asked(); len(asked) > 0 {
				t.Errorf("asks the platform: %q", asked)
			}
		})
	}
}

func TestPrepareWarnsOfLiteralCredentials(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		auth string
		warn bool
	}{
		"literal":   {`{"username": "ann", "password": "hush-hush"}`, true},
		"half":      {`{"username": "ann", "password": {"secret": "P"}}`, true},
		"reference": {`{"username": {"secret": "U"}, "password": {"secret": "P"}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{
				"ploomber-cloud.json": `{"id": "demo", "type": "dash", "authentication": ` + tc.auth + `}`, ".env": "U=ann\nP=hush-hush\n",
			})
			o, heard := deployment(d)
			p, err := o.Prepare(t.Context())
			if err != nil || p.MainApp.Username != "ann" || p.MainApp.Password != "hush-hush" || p.AnalyticsLogin != nil {
				t.Fatalf("%+v, %v", p, err)
			}
			warned := strings.Join(heard.warnings(), "\n")
			if strings.Contains(warned, "auth --add --feature main_app") != tc.warn || strings.Contains(warned, "hush") {
				t.Errorf("warns %q", warned)
			}
		})
	}
}

// The platform goes by the configuration alone: what looks like a login in the secrets file and is none there is named.
func TestPrepareWarnsOfUnusedLogins(t *testing.T) {
	t.Parallel()
	const referring = `{"id": "demo", "type": "dash", "authentication": {"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`
	for name, tc := range map[string]struct {
		config, env string
		want        []string // parts of the warnings, in their order
	}{
		"nothing like it":   {dashConfig, "USER_API=x\nPASSWORD_DB=hush-hush\n", nil},
		"a misspelt name":   {dashConfig, "usernam_main_app=ann\npassword_main_app=hush-hush\n", []string{"did you mean username_main_app?"}},
		"capitals":          {dashConfig, "USERNAME_MAIN_APP=ann\nPASSWORD_MAIN_APP=hush-hush\n", []string{"mean password_main_app?", "mean username_main_app?"}},
		"beside the right":  {referring, "username_main_app=ann\npassword_main_app=hush-hush\npasswd_main_app=old\n", []string{"passwd_main_app: "}},
		"referred to":       {referring, "username_main_app=ann\npassword_main_app=hush-hush\n", nil},
		"not referred to":   {dashConfig, "username_main_app=ann\npassword_main_app=hush-hush\n", []string{"auth --add --feature main_app"}},
		"of another":        {referring, "username_main_app=a\npassword_main_app=hush-hush\nusername_analytics=b\npassword_analytics=hush\n", []string{"--feature analytics"}},
		"half":              {dashConfig, "password_main_app=hush-hush\n", nil},
		"an odd reference":  {strings.ReplaceAll(referring, "_main_app", "_mainapp"), "username_mainapp=ann\npassword_mainapp=hush-hush\n", nil},
		"no secrets at all": {dashConfig, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": tc.config, ".env": tc.env})
			o, heard := deployment(d)
			if _, err := o.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			warned := heard.warnings()
			slices.Sort(warned)
			if len(warned) != len(tc.want) || strings.Contains(strings.Join(warned, ""), "hush") {
				t.Fatalf("warns %q, want %q", warned, tc.want)
			}
			for i, part := range tc.want {
				if !strings.Contains(warned[i], part) {
					t.Errorf("warns %q, want %q", warned[i], part)
				}
			}
		})
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	me, project := "GET /users/me", "GET /projects/demo"
	for name, tc := range map[string]struct {
		env     string // "-" is not a file
		earlier []string
		answers []string
		ci      bool
		prune   bool
		fault   *fakecloud.Fault
		asked   []string
		code    int
		says    string
	}{
		"the order of requests":        {env: "A=1", asked: []string{me, project, post}},
		"kept secrets are not asked":   {env: "A=1\nB=2", earlier: []string{"B", "A"}, asked: []string{me, project, post}},
		"lost secrets, wanted":         {env: "A=1", earlier: []string{"A", "B", "C"}, answers: []string{"y"}, asked: []string{me, project, post}, says: "B, C"},
		"lost secrets, refused":        {env: "A=1", earlier: []string{"B"}, answers: []string{"n"}, asked: []string{me, project}, code: 1, says: "--prune-secrets"},
		"lost secrets, no by default":  {env: "A=1", earlier: []string{"B"}, answers: []string{""}, asked: []string{me, project}, code: 1, says: "--prune-secrets"},
		"lost secrets, nobody answers": {env: "A=1", earlier: []string{"B"}, asked: []string{me, project}, code: 1, says: "--prune-secrets"},
		"lost secrets, pruned":         {env: "A=1", earlier: []string{"B"}, prune: true, asked: []string{me, post}},
		"a build server's list":        {env: "A=1", earlier: []string{"B"}, ci: true, asked: []string{me, post}},
		"a build server's empty list":  {env: "", earlier: []string{"B"}, ci: true, asked: []string{me, post}},
		"a build server without list":  {env: "-", earlier: []string{"B"}, ci: true, asked: []string{me, project}, code: 1, says: "would lose its secrets"},
		"a build server, no secrets":   {env: "-", ci: true, asked: []string{me, project, post}},
		"an unknown project":           {env: "A=1", fault: &fakecloud.Fault{Method: "GET", Path: "/projects/*", Status: 401}, asked: []string{me, project, post}},
		"a failing platform":           {env: "A=1", fault: &fakecloud.Fault{Method: "GET", Path: "/projects/*", Status: 500}, asked: []string{me, project, post}},
		"a refused key":                {env: "A=1", fault: &fakecloud.Fault{Method: "GET", Path: "/users/me", Status: 401}, asked: []string{me}, code: 1},
		"refused resources": {
			env: "A=1", fault: &fakecloud.Fault{Method: "POST", Path: "/jobs/webservice/*", Status: 400, Type: "application/json", Body: []byte(`{"detail": "Invalid Resource: 3"}`)},
			asked: []string{me, project, post, me}, code: 1, says: "the pro tier offers CPU",
		},
		"another refusal": {
			env: "A=1", fault: &fakecloud.Fault{Method: "POST", Path: "/jobs/webservice/*", Status: 400, Type: "application/json", Body: []byte(`{"detail": "no such thing"}`)},
			asked: []string{me, project, post}, code: 1, says: "no such thing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": dashConfig, "app.py": "import dash"}, tc.answers...)
			if tc.env != "-" {
				d.Write(".env", tc.env)
			}
			o, heard := deployment(d, tc.earlier...)
			o.TempDir, o.InCI, o.PruneSecrets = t.TempDir(), tc.ci, tc.prune
			if tc.fault != nil {
				d.Cloud.Break(*tc.fault)
			}
			p, err := o.Prepare(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if asked := d.Asked(); len(asked) > 0 {
				t.Errorf("asks the platform before anything is to be sent: %q", asked)
			}
			sent, err := o.Send(t.Context(), p)
			if failure.Code(err) != tc.code || (err == nil) != (sent != nil) {
				t.Errorf("exit status %d (%v), want %d", failure.Code(err), err, tc.code)
			}
			if asked := d.Asked(); !slices.Equal(asked, tc.asked) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			if said := d.Said(err) + strings.Join(heard.all, "\n"); !strings.Contains(said, tc.says) {
				t.Errorf("says %q, want %q", said, tc.says)
			}
		})
	}
}

func TestSendsThePackage(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{
		"ploomber-cloud.json": `{"id": "demo", "type": "dash", "labels": ["a"], "template": "node-auth0",
			"resources": {"cpu": 1.0, "ram": 2, "gpu": 0}, "ignore": ["data"],
			"authentication": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`,
		".env": "U=ann\nP=pass\n", "app.py": "import dash", "data/x.csv": "1",
	})
	o, _ := deployment(d)
	o.TempDir = t.TempDir()
	var steps []string
	o.Progress = func(step string) (func(done, total int64), func()) {
		steps = append(steps, step)
		return func(int64, int64) {}, func() { steps = append(steps, "end") }
	}
	p, err := o.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Compressing", "end", "Uploading", "end"}; !slices.Equal(steps, want) {
		t.Errorf("progress %q, want %q", steps, want)
	}
	got := d.Cloud.Deployments()[0]
	for field, want := range map[string]string{
		"cpu": "1.0", "ram": "2", "gpu": "0", "template": "node-auth0", "labels": `["a"]`, "authentication": `{"username":"ann","password":"pass"}`,
	} {
		if strings.ReplaceAll(got.Fields[field], ": ", ":") != want && strings.ReplaceAll(got.Fields[field], ", ", ",") != want {
			t.Errorf("%s is %q, want %q", field, got.Fields[field], want)
		}
	}
	if secrets := got.Secrets(); secrets["U"] != "ann" || secrets["P"] != "pass" || len(secrets) != 2 {
		t.Errorf("secrets %v", secrets)
	}
	if _, ships := got.Files["data/x.csv"]; ships || got.Files["app.py"] != "import dash" || strings.Contains(got.Files[".env"], "pass") {
		t.Errorf("files %v", got.Files)
	}
}

// What changes between the look at the project and packing ends nothing, and is named.
func TestSendsWhatIsThere(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{
		"ploomber-cloud.json": dashConfig, "app.py": "import dash", "db.sqlite3-journal": "x", "grows.csv": "1", "saved.py": "old",
		"key.txt": "-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\n-----END PRIVATE KEY-----\n", "prod.env": "A=1", ".bash_history": "x",
	})
	o, heard := deployment(d)
	o.TempDir = t.TempDir()
	p, err := o.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(heard.warnings()) > 0 {
		t.Errorf("warns %q before packing", heard.warnings())
	}
	if err := os.Remove(filepath.Join(d.Dir, "db.sqlite3-journal")); err != nil {
		t.Fatal(err)
	}
	d.Write("grows.csv", "1,2,3")
	d.Write("appears.csv", "1")
	d.Write("saved.py~", "new")
	if err := os.Rename(filepath.Join(d.Dir, "saved.py~"), filepath.Join(d.Dir, "saved.py")); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"app.py": "import dash", "grows.csv": "1,2,3", "saved.py": "new"}
	if got := d.Cloud.Deployments()[0].Files; !maps.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	warned := heard.warnings()
	if len(warned) != 2 || !strings.Contains(warned[0], "key.txt (private key), prod.env (environment file)") ||
		!strings.Contains(warned[1], "db.sqlite3-journal (it was removed)") {
		t.Errorf("warns %q", warned)
	}
}

// Those who only look are told what packing would find.
func TestPrepareSearches(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{
		"ploomber-cloud.json": dashConfig, "key.txt": "-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\n-----END PRIVATE KEY-----\n",
	})
	o, _ := deployment(d)
	for _, search := range []bool{false, true} {
		o.Search = search
		p, err := o.Prepare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if files, _ := p.Files.Total(); files == 0 != search || len(p.Files.Missed()) == 1 != search {
			t.Errorf("search %v: %d files, missed %v", search, files, p.Files.Missed())
		}
	}
}

func TestMissed(t *testing.T) {
	t.Parallel()
	var entries []bundle.Entry
	for i := range 40 {
		entries = append(entries, bundle.Entry{Name: fmt.Sprintf("f%02d.env", 39-i), Rule: bundle.Rule{Kind: bundle.Secret, Detail: "environment file"}, Missed: true})
	}
	entries = append(entries, bundle.Entry{Name: "quiet", Rule: bundle.Rule{Kind: bundle.Secret}},
		bundle.Entry{Name: "b\x1b", Rule: bundle.Rule{Kind: bundle.LinkedFolder}, Missed: true}, bundle.Entry{Name: "gone", Rule: bundle.Rule{Kind: bundle.BrokenLink}, Missed: true})
	var got []string
	for _, m := range dialog.Missed(entries) {
		got = append(got, m.Text)
		if m.Hint == "" {
			t.Errorf("%s: no hint", m.Text)
		}
	}
	if len(got) != 3 || !strings.HasSuffix(got[0], "f29.env (environment file), and 10 more, see 'deploy --list-files'") || strings.Contains(got[0], "quiet") ||
		!strings.HasSuffix(got[1], `: "b\x1b"`) || !strings.HasSuffix(got[2], ": gone") {
		t.Errorf("got %q", got)
	}
}

// What does not shrink fills the smallest tier's 50 MB, and is never sent.
func TestSendRefusesLargeArchives(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 51_000_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": dashConfig, "noise.bin": string(noise)})
	d.Cloud.SetTier("community")
	o, _ := deployment(d)
	o.TempDir = t.TempDir()
	p, err := o.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Send(t.Context(), p)
	if said := d.Said(err); !strings.Contains(said, "50 MB that the community tier") || !strings.Contains(said, "--list-files") {
		t.Errorf("says %q", said)
	}
	if asked := d.Asked(); !slices.Equal(asked, []string{"GET /users/me"}) {
		t.Errorf("asks %q", asked)
	}
}

// An archive that a killed run has left goes with the next deployment, a day later at the earliest.
func TestSendCleansUp(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": dashConfig})
	o, _ := deployment(d)
	o.TempDir = t.TempDir()
	left := filepath.Join(o.TempDir, "ploomber-cloud-upload-0123456789abcdef.zip")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{23 * time.Hour, 25 * time.Hour} {
		there := age < 24*time.Hour
		o.Now = func() time.Time { return time.Now().Add(age) }
		p, err := o.Prepare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Send(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(left); (err == nil) != there {
			t.Errorf("after %v: %v", age, err)
		}
	}
}

// A folder that is not there cannot hold an archive: nothing is asked about secrets then.
func TestSendNeedsRoom(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": dashConfig})
	o, _ := deployment(d, "GONE")
	o.TempDir = d.Dir + "/missing"
	p, err := o.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Send(t.Context(), p); err == nil || slices.Contains(d.Asked(), "GET /projects/demo") {
		t.Errorf("%v, asks %q", err, d.Asked())
	}
}

func TestTier(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	api, err := d.Connect()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"community": 50e6, "teams": 500e6, "one we do not know": 50e6} {
		d.Cloud.SetTier(name)
		if got, err := flow.Tier(t.Context(), api); err != nil || got.MaxArchive != want || got.Name != name {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	d.Cloud.Break(fakecloud.Fault{Method: "GET", Path: "/users/me", Status: http.StatusForbidden})
	if _, err := flow.Tier(t.Context(), api); err == nil {
		t.Error("a refused key has a tier")
	}
}
