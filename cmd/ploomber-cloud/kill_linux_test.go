package main_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
	"github.com/ploomber/ploomber-cloud/internal/testkit/ptrace"
)

// leastKills is at how many different points each command is killed at least.
const leastKills = 50

// victim is a command that changes files, and what it finds.
type victim struct {
	args    []string
	answers string
	files   map[string]string // of the project
	stage   string            // a configuration that is complete though the command goes on; "" for none
	rest    string            // answers that are still asked for where the configuration is at that stage
	linked  bool              // the files have other names, and so are written in place
}

const (
	oldConfig = `{"id": "my-app", "type": "streamlit", "labels": ["old"]}`
	oldEnv    = "# mine\nA=\"x # y\"\n\nB='z'\n"
)

func victims() map[string]victim {
	project := map[string]string{"app.py": "import streamlit\n", ".env": oldEnv, "ploomber-cloud.json": oldConfig}
	protected := map[string]string{
		"app.py": "import streamlit\n", ".env": oldEnv + "username_main_app=ana\npassword_main_app=secret\n",
		"ploomber-cloud.json": `{"id": "my-app", "type": "streamlit", "authentication": ` +
			`{"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`,
	}
	bare := map[string]string{"app.py": "import streamlit\n", ".env": oldEnv}
	return map[string]victim{
		"auth add":        {args: []string{"auth", "--add", "--feature", "main_app"}, answers: "ana\nsecret\n", files: project},
		"auth remove":     {args: []string{"auth", "--remove", "--feature", "main_app"}, files: protected},
		"templates auth0": {args: []string{"templates", "auth0"}, answers: "id\nsecret\nhttps://id.example.com\n", files: project},
		"init":            {args: []string{"init", "--yes"}, files: bare},
		"init force":      {args: []string{"init", "--yes", "--force"}, files: project},
		"labels":          {args: []string{"labels", "--add", "new", "--delete", "old"}, files: project},
		"resources":       {args: []string{"resources", "--force", "--gpu", "0", "--cpu", "1", "--ram", "2"}, files: project},
		"deploy":          {args: []string{"deploy", "--prune-secrets"}, files: protected},
		"auth add that makes the project first": {
			args: []string{"auth", "--add", "--feature", "main_app"}, answers: "y\ny\nana\nsecret\n", files: bare,
			stage: "{\n    \"id\": \"streamlit-app-N\",\n    \"type\": \"streamlit\"\n}", rest: "ana\nsecret\n",
		},
		"init existing":             {args: []string{"init", "--from-existing", "--project", "my-app", "--dest", "."}},
		"init existing, new folder": {args: []string{"init", "--from-existing", "--project", "my-app", "--dest", "new/app"}},
		"init existing among files": {args: []string{"init", "--from-existing", "--project", "my-app", "--dest", "."}, files: map[string]string{"mine.txt": "mine"}},
		"auth add in place":         {args: []string{"auth", "--add", "--feature", "main_app"}, answers: "ana\nsecret\n", files: project, linked: true},
		"auth remove in place":      {args: []string{"auth", "--remove", "--feature", "main_app"}, files: protected, linked: true},
		"templates vllm":            {args: []string{"templates", "vllm", "--model", "a/b", "--deploy=false"}},
	}
}

// TestKilled kills each command at many points: before and after every system call that may change a file, and
// at others between. Afterwards every file is the old one or the new one, none is new that the command does not
// make, and the same command does its work.
func TestKilled(t *testing.T) {
	t.Parallel()
	program := builds.Path(t)
	for name, v := range victims() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := newGrave(t, program, v)
			outcome := whole.run(t, 0)
			if outcome.Exit != 0 {
				t.Fatalf("exit status %d: %s", outcome.Exit, whole.said(t))
			}
			fresh := newGrave(t, program, v)
			before, after := fresh.files(t), whole.files(t)
			fresh.close()
			whole.close()
			kills := 0
			for _, at := range killPoints(outcome.Stops) {
				g := newGrave(t, program, v)
				if g.run(t, at).Killed {
					kills++
					g.judge(t, fmt.Sprintf("killed at %d of %d", at, len(outcome.Stops)), v, before, after)
				}
				g.close()
				if t.Failed() {
					return
				}
			}
			if kills < leastKills {
				t.Errorf("killed at %d points, want %d", kills, leastKills)
			}
		})
	}
}

// killPoints chooses every stop at which a file may change, and others spread evenly to make enough of them.
func killPoints(stops []ptrace.Stop) (points []int) {
	for i, s := range stops {
		if s.Changes {
			points = append(points, i+1)
		}
	}
	const spread = leastKills + 10 // runs differ a little, so a few points may lie behind the end
	for i := range spread {
		points = append(points, 1+i*len(stops)/spread)
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// grave is where a command is killed: a project, a home, a platform.
type grave struct {
	root    string
	cloud   *fakecloud.Cloud
	command ptrace.Command
	linked  bool // see victim
}

func newGrave(t *testing.T, program string, v victim) *grave {
	t.Helper()
	g := &grave{root: t.TempDir(), cloud: fakecloud.Start("key"), linked: v.linked}
	g.cloud.AddProject(fakecloud.Project{
		ID: "my-app", Type: "streamlit", Labels: []string{"theirs"}, Files: archiveOf(t, map[string]string{"app.py": "import dash\n", "requirements.txt": "dash\n", "data/x.csv": "1,2\n"}),
	})
	g.cloud.SetPage("/api/models/a/b", 200, []byte("{}"))
	for _, dir := range []string{"app", "home/.ploomber/stats", "tmp"} {
		if err := os.MkdirAll(filepath.Join(g.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]string{"answers": v.answers, "home/.ploomber/stats/config.yaml": "cloud_key: old\nstats_enabled: false\n"}
	for name, text := range v.files {
		files["app/"+name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(g.root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name := range v.files {
		if !v.linked {
			break
		}
		if err := os.Link(filepath.Join(g.root, "app", name), filepath.Join(g.root, "other-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	g.command = ptrace.Command{
		Path: program, Args: v.args, Dir: filepath.Join(g.root, "app"),
		Stdin: filepath.Join(g.root, "answers"), Out: filepath.Join(g.root, "out"),
		Env: append(g.cloud.Environ(), "HOME="+filepath.Join(g.root, "home"), "TMPDIR="+filepath.Join(g.root, "tmp"),
			"PATH="+os.Getenv("PATH")),
	}
	return g
}

func archiveOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	data, err := fakecloud.Zip(files)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (g *grave) close() {
	g.cloud.Close()
	_ = os.RemoveAll(g.root) // the test clears what is left
}

func (g *grave) run(t *testing.T, at int) ptrace.Outcome {
	t.Helper()
	o, err := ptrace.Run(g.command, at)
	if err != nil {
		unavailable(t, "ptrace", err)
	}
	return o
}

func (g *grave) said(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(g.command.Out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// files reads what belongs to the user. What is made by chance, or counted, is made equal.
func (g *grave) files(t *testing.T) map[string]string {
	t.Helper()
	random := regexp.MustCompile(`(AUTH_SECRET|VLLM_API_KEY)=[-\w]{43}`)
	counted := regexp.MustCompile(`(streamlit|docker)-app-\d+`)
	blank := regexp.MustCompile(`\n*$|\n\n+`)
	files := map[string]string{}
	for _, dir := range []string{"app", "home"} {
		for name, text := range readTree(t, filepath.Join(g.root, dir)) {
			if g.linked { // a file that is written in place may keep line breaks behind its content
				text = blank.ReplaceAllString(text, "\n")
			}
			files[dir+"/"+name] = counted.ReplaceAllString(random.ReplaceAllString(text, "$1=RANDOM"), "$1-app-N")
		}
	}
	return files
}

// judge looks at what a killed run left, and lets the command run again.
func (g *grave) judge(t *testing.T, when string, v victim, before, after map[string]string) {
	t.Helper()
	left := g.files(t)
	for name, text := range left {
		old, was := before[name]
		now, will := after[name]
		staged := name == "app/ploomber-cloud.json" && v.stage != "" && text == v.stage
		if !(was && text == old) && !(will && text == now) && !staged {
			t.Errorf("%s: %s is neither old nor new: %q", when, name, text)
		}
	}
	for name := range before {
		if _, there := left[name]; !there {
			t.Errorf("%s: %s is gone", when, name)
		}
	}
	for name := range readTree(t, filepath.Join(g.root, "tmp")) {
		if !strings.Contains(name, "ploomber-cloud-") {
			t.Errorf("%s: %s is left in the temporary folder", when, name)
		}
	}
	done := maps.Equal(left, after) && !maps.Equal(before, after)
	answers := v.answers
	if left["app/ploomber-cloud.json"] == v.stage {
		answers = v.rest
	}
	again := exec.CommandContext(t.Context(), g.command.Path, g.command.Args...)
	again.Dir, again.Env, again.Stdin = g.command.Dir, g.command.Env, strings.NewReader(answers)
	if out, err := again.CombinedOutput(); err != nil && !done {
		t.Errorf("%s: the next run: %v\n%s", when, err, out)
	}
	if now := g.files(t); !maps.Equal(now, after) {
		t.Errorf("%s: after the next run the files are\n%q\nwant\n%q", when, now, after)
	}
}
