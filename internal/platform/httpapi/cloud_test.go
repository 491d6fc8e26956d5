package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

const zipped = "PK the files of the app"

// archived is the zip of a deployment.
type archived string

func (a archived) Size() int64 { return int64(len(a)) }
func (a archived) Open() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(a))), nil
}

func client(t *testing.T, base, key string) *cloudapi.Client {
	t.Helper()
	c := cloudapi.New(cloudapi.Options{BaseURL: base, Key: key, Retries: -1})
	t.Cleanup(c.Close)
	return c
}

// Our own client and the server agree about a whole project.
func TestProject(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	ctx, c := t.Context(), client(t, base, ownerKey)

	if tier, err := c.Tier(ctx); err != nil || tier != "teams" {
		t.Errorf("the owner's tier is %q, %v; want teams", tier, err)
	}
	created, err := c.CreateProject(ctx, "streamlit")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"id":"` + created.ID + `","type":"streamlit"}`; strings.TrimSpace(string(created.Object)) != want {
		t.Errorf("the new project is %s, want %s: the Python tool writes all of it to its file", created.Object, want)
	}
	if list, err := c.Projects(ctx); err != nil || len(list) != 1 || list[0] != (cloudapi.ProjectSummary{ID: created.ID, Name: created.ID}) {
		t.Errorf("projects %+v, %v", list, err)
	}
	d, err := c.Deploy(ctx, cloudapi.DeployRequest{
		ProjectID: created.ID, Type: "docker", Archive: archived(zipped), Labels: []string{"a", "b"}, Template: "node-auth0", Message: "first",
		Secrets:   []cloudapi.Secret{{Key: "TOKEN", Value: "canary"}, {Key: "B", Value: ""}},
		Resources: &cloudapi.Resources{CPU: 3, RAM: 5}, Authentication: &cloudapi.Credentials{Username: "u", Password: "pw"},
	})
	if err != nil || d.ProjectID != created.ID || d.StatusPage != m.DashboardURL(created.ID, d.ID) {
		t.Fatalf("deployment %+v, %v", d, err)
	}
	s := m.submissions[d.ID]
	if s.By != "owner" || s.Message != "first" || s.Template != "node-auth0" || s.Type != platform.Docker || s.Resources != (platform.Resources{CPU: 3, RAM: 5}) ||
		!slices.Equal(s.Labels, []string{"a", "b"}) || !s.Login || s.Analytics || *s.Secrets.Login != (platform.Credentials{Username: "u", Password: "pw"}) ||
		!slices.Equal(s.Secrets.Variables, []platform.Variable{{Name: "TOKEN", Value: "canary"}, {Name: "B"}}) || s.Size != int64(len(zipped)) || s.Request == "" {
		t.Errorf("submission %+v", s)
	}
	p, err := c.Project(ctx, created.ID)
	if err != nil || p.Type != "docker" || !slices.Equal(p.Labels, []string{"a", "b"}) || !slices.Equal(p.Secrets, []string{"TOKEN", "B"}) || len(p.Jobs) != 1 ||
		p.Jobs[0] != (cloudapi.ProjectJob{ID: d.ID, CPU: 3, RAM: 5, AuthEnabled: true}) {
		t.Errorf("project %+v, %v", p, err)
	}
	m.play(created.ID, platform.StateRunning, platform.Cause{})
	if j, err := c.Job(ctx, d.ID); err != nil || j.Status != "running" || j.Resources.Webservice != m.AppURL(created.ID) || j.State != "running" {
		t.Errorf("job %+v, %v", j, err)
	}
	for range 2 {
		if err := c.SetLabels(ctx, created.ID, []string{"c", "c"}); err != nil || !slices.Equal(m.project(created.ID).Labels, []string{"c"}) {
			t.Errorf("labels %q, %v", m.project(created.ID).Labels, err)
		}
		if err := c.StopService(ctx, d.ID); err != nil {
			t.Error(err)
		}
	}
	if j, err := c.Job(ctx, d.ID); err != nil || j.Status != "stopped" || j.Problem == "" {
		t.Errorf("a stopped job is %+v, %v", j, err)
	}
	if err := c.StartService(ctx, d.ID); err != nil {
		t.Error(err)
	}
	var files bytes.Buffer
	if err := c.Download(ctx, created.ID, &files); err != nil || files.String() != zipped {
		t.Errorf("files %q, %v", &files, err)
	}
	if err := c.DeleteProject(ctx, created.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.Project(ctx, created.ID); !errors.Is(err, cloudapi.ErrNotFound) {
		t.Errorf("a deleted project: %v", err)
	}
	if err := c.DeleteAllProjects(ctx); err != nil {
		t.Error(err)
	}
}

func TestDeleteAllProjectsOfTheUserOnly(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	for _, key := range []string{ownerKey, ownerKey, teamsKey} {
		if _, err := client(t, base, key).CreateProject(t.Context(), "dash"); err != nil {
			t.Fatal(err)
		}
	}
	if err := client(t, base, ownerKey).DeleteAllProjects(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(m.projects) != 1 || m.projects[0].Owner != "u3" {
		t.Errorf("what is left: %+v", m.projects)
	}
}

func TestStatusWords(t *testing.T) {
	t.Parallel()
	want := map[platform.State]string{
		platform.StateQueued: "pending", platform.StateBuilding: "pending", platform.StateStarting: "webservice-pending",
		platform.StateRunning: "running", platform.StateFrozen: "running", platform.StateAsleep: "running", platform.StateDraining: "running",
		platform.StateReplaced: "finished", platform.StateStopped: "stopped", platform.StateFailed: "failed",
	}
	for _, s := range platform.States() {
		if got := statusOf(platform.Deployment{Status: platform.Status{State: s}}); got != want[s] {
			t.Errorf("%s is %s, want %q", s, got, want[s])
		}
	}
	for _, r := range platform.Reasons() {
		want := "failed"
		if r.AtBuild() {
			want = "docker-failed"
		}
		d := platform.Deployment{Status: platform.Status{State: platform.StateFailed, Problem: platform.Cause{Reason: r}}}
		if got := statusOf(d); got != want {
			t.Errorf("failed because of %s is %s, want %s", r, got, want)
		}
	}
}

// The Python tool takes the times of the first and the last line of a log, as many lines as there are, and asks for what was
// written at least a millisecond later.
func TestLogs(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	c := client(t, base, ownerKey)
	p, d := deployed(t, m, ownerKey)
	m.log(d, BuildLog, "Resolved 3 packages", "Installed 3 packages")
	logs, err := c.Logs(t.Context(), d, time.Time{})
	want := "2026-11-30T12:00:00.000+00:00 Resolved 3 packages\n2026-11-30T12:00:00.001+00:00 Installed 3 packages"
	if err != nil || logs.Build != want || logs.App != "" {
		t.Errorf("logs of %s: %q, %v; want %q", p, logs, err, want)
	}
	if logs, err := c.Logs(t.Context(), d, m.now()); err != nil || logs.Build != want[strings.Index(want, "\n")+1:] {
		t.Errorf("logs after the first line: %q, %v", logs, err)
	}
	if logs, err := c.Logs(t.Context(), d, m.now().Add(time.Millisecond)); err != nil || logs.Build != "" {
		t.Errorf("logs after the last line: %q, %v", logs, err)
	}
}

// deployed makes a project of a user with a running deployment.
func deployed(t *testing.T, m *memory, key string) (project, deployment string) {
	t.Helper()
	user, err := m.UserByKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.CreateProject(t.Context(), user, platform.Streamlit, 0)
	if err != nil {
		t.Fatal(err)
	}
	digest, size, err := m.Receive(t.Context(), strings.NewReader(zipped), 1000)
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Deploy(t.Context(), platform.Submission{
		Project: p.ID,
		Release: platform.Release{Type: platform.Streamlit, By: user.Name, Archive: digest, Size: size, Variables: []string{"TOKEN"}},
		Secrets: platform.Secrets{Variables: []platform.Variable{{Name: "TOKEN", Value: "canary"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.play(p.ID, platform.StateRunning, platform.Cause{})
	return p.ID, d.ID
}

// An older job is not started or stopped: that would change the app that has replaced it.
func TestServiceOfOldJob(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	p, old := deployed(t, m, ownerKey)
	newest, err := m.Rollback(t.Context(), p, 1, "owner", "")
	if err != nil {
		t.Fatal(err)
	}
	for job, want := range map[string]int{old: 200, newest.ID: 200} { // the old one still serves
		if status, body := send(t, "PATCH", base+"/v2/jobs/"+job+"/service_start", ownerKey, nil); status != want {
			t.Errorf("status %d %s, want %d", status, body, want)
		}
	}
	m.play(p, platform.StateRunning, platform.Cause{})
	for _, action := range []string{"service_start", "service_stop"} {
		if status, body := send(t, "PATCH", base+"/v2/jobs/"+old+"/"+action, ownerKey, nil); status != 409 || !strings.Contains(body, newest.ID) {
			t.Errorf("%s of a replaced job: status %d %s, want 409 with the newest job", action, status, body)
		}
	}
}

func TestDeployRefuses(t *testing.T) {
	t.Parallel()
	type fields map[string]string
	for name, tc := range map[string]struct {
		key    string
		fields fields // beside files
		files  string // "-" for none
		query  string // in place of that of the project
		status int
		says   string
	}{
		"nothing but files":        {status: 200},
		"everything empty":         {fields: fields{"secrets": "[]", "labels": "[]", "template": "", "message": ""}, status: 200},
		"secret without value":     {fields: fields{"secrets": `[{"key":"A","value":null}]`}, status: 200},
		"numbers of the tool":      {fields: fields{"cpu": "0.5", "ram": "1", "gpu": "0"}, status: 200},
		"numbers as floats":        {fields: fields{"cpu": "1", "ram": "2.0", "gpu": "0.0"}, status: 200},
		"password of teams":        {key: teamsKey, fields: fields{"authentication": `{"username":"u","password":"p"}`, "authentication_analytics": `{"username":"u","password":"p"}`}, status: 200},
		"unknown project":          {query: "?project_id=no-such-1", status: 404, says: "no-such-1"},
		"no ID":                    {query: "?project_id=../x", status: 404},
		"two projects":             {query: "?project_id=a&project_id=b", status: 422, says: "more than once"},
		"no files":                 {files: "-", status: 422, says: "files"},
		"not an archive":           {files: "MZ", status: 422, says: "not a zip"},
		"disk full":                {files: "full", status: 507, says: "full"},
		"unknown field":            {fields: fields{"authentification": "{}"}, status: 422, says: "authentification"},
		"secrets without a list":   {fields: fields{"secrets": `{"key":"A","value":"canary"}`}, status: 422, says: "secrets"},
		"secrets that are cut off": {fields: fields{"secrets": `[{"key":"A","value":"canary"`}, status: 422, says: "secrets"},
		"secret with a number":     {fields: fields{"secrets": `[{"key":"A","value":5}]`}, status: 422, says: "secrets"},
		"secret without key":       {fields: fields{"secrets": `[{"value":"canary"}]`}, status: 422, says: "key"},
		"secret name":              {fields: fields{"secrets": `[{"key":"canary=1","value":"x"}]`}, status: 422, says: "name"},
		"secret name, control":     {fields: fields{"secrets": `[{"key":"a\u001b[31m","value":"x"}]`}, status: 422, says: "name"},
		"secret with NUL":          {fields: fields{"secrets": `[{"key":"A","value":"canary\u0000"}]`}, status: 422, says: "value"},
		"secret too long":          {fields: fields{"secrets": `[{"key":"A","value":"` + strings.Repeat("x", 110<<10) + `"}]`}, status: 422, says: "value"},
		"secret twice":             {fields: fields{"secrets": `[{"key":"A","value":"x"},{"key":"A","value":"y"}]`}, status: 422, says: "another"},
		"repeated member":          {fields: fields{"secrets": `[{"key":"A","value":"x","value":"y"}]`}, status: 422, says: "repeated"},
		"secrets too large":        {fields: fields{"secrets": strings.Repeat(" ", 1<<20+1)}, status: 413, says: "secrets"},
		"label with escape":        {fields: fields{"labels": `["\u001b[31mred"]`}, status: 422, says: "control"},
		"label with direction":     {fields: fields{"labels": `["a\u202eb"]`}, status: 422, says: "control"},
		"label empty":              {fields: fields{"labels": `[""]`}, status: 422, says: "empty"},
		"label too long":           {fields: fields{"labels": `["` + strings.Repeat("ü", 101) + `"]`}, status: 422, says: "100"},
		"message with line break":  {fields: fields{"message": "a\nb"}, status: 422, says: "message"},
		"message not UTF-8":        {fields: fields{"message": "\xff"}, status: 422, says: "UTF-8"},
		"unknown template":         {fields: fields{"template": "node-auth1"}, status: 422, says: "node-auth0"},
		"password without user":    {fields: fields{"authentication": `{"password":"canary"}`}, status: 422, says: "user name"},
		"password misspelt":        {fields: fields{"authentication": `{"username":"u","Password":"canary"}`}, status: 422, says: "username, password"},
		"password null":            {fields: fields{"authentication": `{"username":"u","password":null}`}, status: 422, says: "null"},
		"password empty":           {fields: fields{"authentication": `{"username":"u","password":""}`}, status: 422, says: "password"},
		"one amount":               {fields: fields{"cpu": "0.5"}, status: 400, says: "Invalid Resource"},
		"half a GPU":               {fields: fields{"cpu": "0.5", "ram": "1", "gpu": "0.5"}, status: 400, says: "Invalid Resource"},
		"no cores":                 {fields: fields{"cpu": "0", "ram": "1", "gpu": "0"}, status: 400, says: "Invalid Resource"},
		"not a number":             {fields: fields{"cpu": "NaN", "ram": "1", "gpu": "0"}, status: 400, says: "Invalid Resource"},
		"infinite":                 {fields: fields{"cpu": "Inf", "ram": "1", "gpu": "0"}, status: 400, says: "Invalid Resource"},
		"cores of another tier":    {key: communityKey, fields: fields{"cpu": "2", "ram": "4", "gpu": "0"}, status: 400, says: "Invalid Resource"},
		"memory of another tier":   {key: communityKey, fields: fields{"cpu": "0.5", "ram": "4", "gpu": "0"}, status: 400, says: "Invalid Resource"},
		"GPU of another tier":      {key: communityKey, fields: fields{"cpu": "4", "ram": "12", "gpu": "1"}, status: 400, says: "Invalid Resource"},
		"resources nobody has":     {key: teamsKey, fields: fields{"cpu": "3", "ram": "5", "gpu": "0"}, status: 400, says: "Invalid Resource"},
		"password of another tier": {key: communityKey, fields: fields{"authentication": `{"username":"u","password":"p"}`}, status: 403, says: "authentication"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			base := serve(t, m)
			key := tc.key
			if key == "" {
				key = ownerKey
			}
			p, _ := deployed(t, m, key)
			query, files := tc.query, tc.files
			if query == "" {
				query = "?project_id=" + p
			}
			if files == "" {
				files = zipped
			}
			for _, first := range []bool{false, true} {
				body, kind := multipartForm(t, tc.fields, files, first)
				status, answer := send(t, "POST", base+"/jobs/webservice/streamlit"+query, key, body, "Content-Type", kind)
				if status != tc.status || !strings.Contains(answer, tc.says) || strings.Contains(answer, "canary") || strings.Contains(answer, "/srv") {
					t.Errorf("status %d %s, want %d with %q (files first: %v)", status, answer, tc.status, tc.says, first)
				}
			}
			if n := len(m.deployments); (n > 1) != (tc.status == 200) {
				t.Errorf("%d deployments after status %d", n, tc.status)
			}
		})
	}
}

// multipartForm encodes a form with the archive first or last.
func multipartForm(t *testing.T, fields map[string]string, files string, first bool) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	archive := func() {
		if files == "-" {
			return
		}
		part, err := w.CreateFormFile("files", "app.zip")
		if err == nil {
			_, err = io.WriteString(part, files)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if first {
		archive()
	}
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if !first {
		archive()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

func TestDeployToNewProject(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?project_id=", "?project_id=new"} {
		m := newMemory()
		base := serve(t, m)
		body, kind := multipartForm(t, nil, zipped, false)
		status, answer := send(t, "POST", base+"/jobs/webservice/dash"+query, communityKey, body, "Content-Type", kind)
		var d cloudapi.Deployment
		if err := json.Unmarshal([]byte(answer), &d); status != 200 || err != nil || len(m.projects) != 1 || m.projects[0].ID != d.ProjectID || m.projects[0].Type != "dash" {
			t.Errorf("%q: status %d %s, projects %+v", query, status, answer, m.projects)
		}
	}
}

func TestBrokenForms(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	p, _ := deployed(t, m, ownerKey)
	part := "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.zip\"\r\n\r\nPK 1\r\n"
	for name, tc := range map[string]struct {
		kind, body string
		want       int
	}{
		"JSON":            {"application/json", "{}", 415},
		"no type":         {"", "{}", 415},
		"no boundary":     {"multipart/form-data", part, 415},
		"nothing":         {"multipart/form-data; boundary=x", "", 400},
		"other boundary":  {"multipart/form-data; boundary=y", part, 400},
		"cut off header":  {"multipart/form-data; boundary=x", part[:60], 422},
		"cut off archive": {"multipart/form-data; boundary=x", strings.TrimSpace(part), 400},
		"no end":          {"multipart/form-data; boundary=x", part + "--x", 400},
		"files twice":     {"multipart/form-data; boundary=x", part + part + "--x--", 422},
		"no name":         {"multipart/form-data; boundary=x", "--x\r\n\r\nPK\r\n--x--", 422},
		"many headers":    {"multipart/form-data; boundary=x", "--x\r\n" + strings.Repeat("A: b\r\n", 200_000) + "\r\nPK\r\n--x--", 400},
	} {
		status, body := send(t, "POST", base+"/jobs/webservice/dash?project_id="+p, ownerKey, strings.NewReader(tc.body), "Content-Type", tc.kind)
		if status != tc.want || !strings.HasPrefix(body, `{"detail":"`) {
			t.Errorf("%s: status %d %s, want %d", name, status, body, tc.want)
		}
	}
	if len(m.deployments) != 1 {
		t.Errorf("%d deployments", len(m.deployments))
	}
}

// zeros is an archive of zeros behind PK, which is made while it is read.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func TestArchiveLimits(t *testing.T) {
	t.Parallel()
	const mb = 1_000_000
	for name, tc := range map[string]struct {
		key    string
		size   int64
		length bool // announced
		want   int
	}{
		"community, as large as allowed":  {communityKey, 50 * mb, true, 200},
		"community, too large":            {communityKey, 50*mb + 1, true, 413},
		"community, too large, in chunks": {communityKey, 50*mb + 1, false, 413},
		"community, much too large":       {communityKey, 5000 * mb, true, 413},
		"teams, more than community":      {teamsKey, 51 * mb, false, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			base := serve(t, m)
			p, _ := deployed(t, m, tc.key)
			head := "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.zip\"\r\n\r\nPK"
			tail := "\r\n--x--\r\n"
			body := io.MultiReader(strings.NewReader(head), &zeros{tc.size - 2}, strings.NewReader(tail))
			r, err := http.NewRequestWithContext(t.Context(), "POST", base+"/jobs/webservice/dash?project_id="+p, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("api_key", tc.key)
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			r.Header.Set("Expect", "100-continue") // so that a refusal is read before anything is sent
			if tc.length {
				r.ContentLength = int64(len(head)+len(tail)) + tc.size - 2
			}
			transport := &http.Transport{ExpectContinueTimeout: 10 * time.Second}
			defer transport.CloseIdleConnections()
			resp, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != tc.want {
				t.Errorf("status %d %s, want %d", resp.StatusCode, answer, tc.want)
			}
		})
	}
}

func TestProjectLimits(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	for i, want := range []int{200, 200, 403} {
		if status, body := send(t, "POST", base+"/projects/dash", communityKey, nil); status != want {
			t.Errorf("project %d: status %d %s, want %d", i+1, status, body, want)
		}
	}
	body, kind := multipartForm(t, nil, zipped, false)
	if status, answer := send(t, "POST", base+"/jobs/webservice/dash", communityKey, body, "Content-Type", kind); status != 403 {
		t.Errorf("a deployment to a new project: status %d %s, want 403", status, answer)
	}
	for range 5 {
		if status, body := send(t, "POST", base+"/projects/dash", ownerKey, nil); status != 200 {
			t.Errorf("a project of the owner: status %d %s", status, body)
		}
	}
	if status, body := send(t, "POST", base+"/projects/django", ownerKey, nil); status != 422 || !strings.Contains(body, "streamlit") {
		t.Errorf("an unknown type: status %d %s", status, body)
	}
}

// A request that a client repeats, because it does not know what became of it, makes one deployment.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	p, _ := deployed(t, m, ownerKey)
	deploy := func(files, attempt string) (int, string) {
		body, kind := multipartForm(t, nil, files, false)
		return send(t, "POST", base+"/jobs/webservice/dash?project_id="+p, ownerKey, body, "Content-Type", kind, "Idempotency-Key", attempt)
	}
	_, first := deploy(zipped, "one")
	if status, again := deploy(zipped, "one"); status != 200 || again != first || len(m.deployments) != 2 {
		t.Errorf("repeated: status %d %s, first %s", status, again, first)
	}
	if status, other := deploy("PK others", "one"); status != 409 {
		t.Errorf("with other files: status %d %s, want 409", status, other)
	}
	if _, second := deploy(zipped, "two"); second == first || len(m.deployments) != 3 {
		t.Errorf("another attempt: %s", second)
	}
	for _, bad := range []string{"a b", strings.Repeat("x", 201), "ü"} {
		if status, body := deploy(zipped, bad); status != 422 {
			t.Errorf("key %.20q: status %d %s, want 422", bad, status, body)
		}
	}
}
