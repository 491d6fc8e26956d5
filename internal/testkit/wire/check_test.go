package wire

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A case that touches all that is compared: two requests, an upload, files in both folders, a token.
const sample = `
- name: sample
  given:
    app.py: print()
    .env: "# mine\nOLD=1\n"
    ploomber-cloud.json: {id: demo, type: dash}
  run: deploy
  tier: pro
  exit: 0
  says: [It works]
  requests:
    - GET /users/me
    - PUT /projects/demo/labels: {json: [a, b]}
    - POST /jobs/webservice/dash?project_id=demo:
        form: {secrets: {A: "1", T: !token secret}, cpu: 1.0}
        zip: [app.py]
  files:
    .env: {OLD: "1", T: !token secret}
    ploomber-cloud.json: {id: demo, type: dash, resources: {cpu: 1.0, ram: 2, gpu: 0}}
    note.txt: !contains [hello]
  home-files:
    .ploomber/stats/config.yaml: {cloud_key: new-key}
`

const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO-_"

func loadSample(t *testing.T) *Case {
	t.Helper()
	cases, err := Load(fstest.MapFS{
		"sample.yaml":   {Data: []byte(sample)},
		"fixtures.yaml": {Data: []byte("none: {}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &cases[0]
}

func seenFile(text string) SeenFile { return SeenFile{sha256.Sum256([]byte(text)), text, 0o600} }

// observed is what a program that does the sample right would show.
func observed() *Seen {
	header := http.Header{"Api_key": {StoredKey}, "Accept": {jsonType}}
	before := Tree{
		"app.py": seenFile("print()"), ".env": seenFile("# mine\nOLD=1\n"),
		"ploomber-cloud.json": seenFile("{\n    \"id\": \"demo\",\n    \"type\": \"dash\"\n}"),
	}
	return &Seen{
		Output: "it WORKS\n",
		Requests: []SeenRequest{
			{Method: "GET", Path: mePath, Header: http.Header{"Api_key": {StoredKey}}},
			{Method: "PUT", Path: "/projects/demo/labels", Header: header.Clone(), Type: jsonType, Body: []any{"a", "b"}},
			{
				Method: "POST", Path: "/jobs/webservice/dash", Query: url.Values{"project_id": {"demo"}}, Header: header.Clone(),
				Type: "multipart/form-data", Archive: map[string]sum{"app.py": before["app.py"].Sum},
				Form: map[string]any{"secrets": map[string]any{"A": "1", "T": token}, "cpu": number("1")},
			},
		},
		ProjectBefore: before,
		Project: Tree{
			"app.py": before["app.py"], ".env": seenFile("# mine\nOLD=1\nT=" + token + "\n"),
			"ploomber-cloud.json": seenFile(`{"id": "demo", "type": "dash", "resources": {"cpu": 1.0, "ram": 2, "gpu": 0}}`),
			"note.txt":            seenFile("say hello"),
		},
		HomeBefore: Tree{configPath: seenFile(configText(StoredKey))},
		Home:       Tree{configPath: seenFile(configText("new-key")), uidPath: seenFile("uid: 1")},
	}
}

func number(text string) any {
	v, err := parseJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

func TestCheckerAcceptsWhatIsWanted(t *testing.T) {
	t.Parallel()
	c := loadSample(t)
	if found := (&Checker{Key: c.Key}).Step(&c.Steps[0], observed()); len(found) > 0 {
		t.Errorf("differences in a right observation:\n%s", strings.Join(found, "\n"))
	}
}

// Each wrong observation must be noticed, and named.
func TestCheckerNoticesEachDifference(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*Seen)
		want  string
	}{
		"another exit status":      {func(s *Seen) { s.Exit = 1 }, "exit: wanted 0, saw 1"},
		"a hanging program":        {func(s *Seen) { s.TimedOut = true }, "timed out"},
		"a request too many":       {func(s *Seen) { s.Requests = append(s.Requests, s.Requests[0]) }, "requests: wanted"},
		"a missing request":        {func(s *Seen) { s.Requests = s.Requests[:2] }, "requests: wanted"},
		"another order":            {func(s *Seen) { slices.Reverse(s.Requests) }, "requests: wanted"},
		"an unscripted request":    {func(s *Seen) { s.Requests[0].Unscripted = true }, "no reply"},
		"a wrong body":             {func(s *Seen) { s.Requests[1].Body = []any{"b", "a"} }, `body[0]: wanted "a", saw "b"`},
		"a body that is not JSON":  {func(s *Seen) { s.Requests[1].Body = "a, b" }, `body: wanted`},
		"a body for a GET":         {func(s *Seen) { s.Requests[0].Body, s.Requests[0].Type = "{}", jsonType }, "body: wanted null"},
		"no key":                   {func(s *Seen) { s.Requests[1].Header.Del("api_key") }, `header api_key: wanted "test-key", saw ""`},
		"two keys":                 {func(s *Seen) { s.Requests[1].Header.Add("api_key", "x") }, "header api_key"},
		"a stray bearer token":     {func(s *Seen) { s.Requests[1].Header.Set("Authorization", "Bearer x") }, "header authorization"},
		"no accept":                {func(s *Seen) { s.Requests[1].Header.Set("Accept", "*/*") }, "header accept"},
		"another content type":     {func(s *Seen) { s.Requests[1].Type = "text/plain" }, "header content-type"},
		"another query":            {func(s *Seen) { s.Requests[2].Query.Set("project_id", "x") }, "query.project_id"},
		"a query too many":         {func(s *Seen) { s.Requests[2].Query.Set("accept", "x") }, "query.accept"},
		"another secret":           {func(s *Seen) { s.Requests[2].Form["secrets"] = map[string]any{"A": "2", "T": token} }, "form.secrets.A"},
		"a field too many":         {func(s *Seen) { s.Requests[2].Form["labels"] = []any{} }, "form.labels: wanted nothing"},
		"a missing field":          {func(s *Seen) { delete(s.Requests[2].Form, "cpu") }, "form.cpu: wanted 1.0, saw nothing"},
		"no form":                  {func(s *Seen) { s.Requests[2].Form = nil }, "form.cpu"},
		"another number":           {func(s *Seen) { s.Requests[2].Form["cpu"] = number("2") }, "form.cpu"},
		"a broken upload":          {func(s *Seen) { s.Requests[2].Mistakes = []string{"two archives"} }, "two archives"},
		"a file not sent":          {func(s *Seen) { delete(s.Requests[2].Archive, "app.py") }, "app.py is missing"},
		"another file sent":        {func(s *Seen) { s.Requests[2].Archive["app.py"] = sum{} }, "not what the file holds"},
		"secrets sent":             {func(s *Seen) { s.Requests[2].Archive[".env"] = sum{} }, ".env should not be in it"},
		"an archive made here":     {func(s *Seen) { s.Requests[2].NewFiles = []string{"app-01234567.zip"} }, "was made in the project"},
		"a changed file":           {func(s *Seen) { s.Project["app.py"] = seenFile("x") }, "app.py: was changed"},
		"a deleted file":           {func(s *Seen) { delete(s.Project, "app.py") }, "app.py: was deleted"},
		"a left-over file":         {func(s *Seen) { s.Project["copy_.env"] = seenFile("A=1") }, "copy_.env: was left there"},
		"a left-over home file":    {func(s *Seen) { s.Home[".ploomber/x"] = seenFile("") }, ".ploomber/x: was left there"},
		"a file outside":           {func(s *Seen) { s.Outside = []string{"evil.txt"} }, "outside: evil.txt"},
		"a file not written":       {func(s *Seen) { delete(s.Project, "note.txt") }, "note.txt: wanted"},
		"a text without":           {func(s *Seen) { s.Project["note.txt"] = seenFile("bye") }, `with \"hello\"`},
		"cpu as an integer":        {func(s *Seen) { replace(s, "1.0", "1") }, "cpu: wanted 1.0, saw 1"},
		"ram as a float":           {func(s *Seen) { replace(s, `"ram": 2`, `"ram": 2.0`) }, "ram: wanted 2, saw 2.0"},
		"a key too many":           {func(s *Seen) { replace(s, `"gpu": 0`, `"gpu": 0, "tpu": 1`) }, "tpu: wanted nothing"},
		"keys in another order":    {func(s *Seen) { replace(s, `"id": "demo", "type": "dash"`, `"type": "dash", "id": "demo"`) }, "keys in the order"},
		"a broken configuration":   {func(s *Seen) { replace(s, "}", "") }, "ploomber-cloud.json: wanted"},
		"a lost comment":           {func(s *Seen) { s.Project[".env"] = seenFile("OLD=1\nT=" + token) }, "comments"},
		"a lost value":             {func(s *Seen) { s.Project[".env"] = seenFile("# mine\nT=" + token) }, ".env.OLD"},
		"another token":            {func(s *Seen) { s.Project[".env"] = seenFile("# mine\nOLD=1\nT=" + strings.ToUpper(token)) }, "same secret"},
		"a short token":            {func(s *Seen) { s.Project[".env"] = seenFile("# mine\nOLD=1\nT=" + token[1:]) }, "43 URL-safe"},
		"another stored key":       {func(s *Seen) { s.Home[configPath] = seenFile(configText("old")) }, "config.yaml.cloud_key"},
		"a lost setting":           {func(s *Seen) { s.Home[configPath] = seenFile("cloud_key: new-key\nstats_enabled: false\n") }, "stats_enabled"},
		"a key that all can read":  {func(s *Seen) { chmod(s.Home, configPath) }, "mode"},
		"a .env that all can read": {func(s *Seen) { delete(s.ProjectBefore, ".env"); chmod(s.Project, ".env") }, "mode"},
		"a text not said":          {func(s *Seen) { s.Output = "" }, `wanted "It works"`},
		"a crash":                  {func(s *Seen) { s.Output += "panic: runtime error" }, "shows a crash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := loadSample(t), observed()
			tc.spoil(s)
			found := strings.Join((&Checker{Key: c.Key}).Step(&c.Steps[0], s), "\n")
			if !strings.Contains(found, tc.want) {
				t.Errorf("differences %q do not tell %q", found, tc.want)
			}
		})
	}
}

func replace(s *Seen, old, new string) {
	s.Project["ploomber-cloud.json"] = seenFile(strings.ReplaceAll(s.Project["ploomber-cloud.json"].Text, old, new))
}

func chmod(t Tree, name string) {
	f := t[name]
	f.Mode = 0o644
	t[name] = f
}

// A case with two outcomes is satisfied by either, and the nearer one is reported.
func TestCheckerTakesAnyOutcome(t *testing.T) {
	t.Parallel()
	s := &Step{Wants: []Outcome{{Exit: 1, Says: []string{"refused"}}, {Exit: 0, Says: []string{"made"}}}}
	for name, tc := range map[string]struct {
		seen Seen
		want string
	}{
		"the first":  {Seen{Exit: 1, Output: "refused"}, ""},
		"the second": {Seen{Exit: 0, Output: "made"}, ""},
		"neither":    {Seen{Exit: 0, Output: "refused"}, "exit: wanted 1, saw 0"},
		"a mixture":  {Seen{Exit: 2, Output: "made"}, "exit: wanted 0, saw 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found := strings.Join((&Checker{}).Step(s, &tc.seen), "\n"); found != tc.want {
				t.Errorf("differences %q, want %q", found, tc.want)
			}
		})
	}
}
