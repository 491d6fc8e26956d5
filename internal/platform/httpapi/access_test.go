package httpapi

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// The test walks every operation of the document: each succeeds with the key of the user that the project belongs to,
// and answers to other keys like what does not exist. All responses are as described.
func TestKeys(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	d := describe(t, base)
	project, job := deployed(t, m, ownerKey)
	m.users[removedKey] = platform.User{ID: "u9", Name: "carl", Tier: platform.Pro}
	if status, body := send(t, "GET", base+"/users/me", removedKey, nil); status != 200 {
		t.Fatalf("status %d %s", status, body)
	}
	delete(m.users, removedKey)

	var public []string
	for _, route := range d.routes {
		if route.public {
			public = append(public, route.operation)
		}
		for name, tc := range map[string]struct {
			key  string
			want []int
		}{
			"no key":           {"", []int{401}},
			"an unknown key":   {"nonsense", []int{401}},
			"a removed key":    {removedKey, []int{401}},
			"a long key":       {strings.Repeat("x", 5000), []int{401}},
			"a key of another": {teamsKey, []int{404}},
			"the owner's key":  {ownerKey, []int{200}},
		} {
			if strings.HasPrefix(route.operation, "delete") && tc.key == ownerKey {
				continue // it would succeed, and leave nothing for the others
			}
			path, body, kind := example(t, route, project, job)
			resp, text := receive(t, route.method, base+path, tc.key, body, "Content-Type", kind)
			status, answer := resp.StatusCode, string(text)
			if err := d.mismatch(route.route, resp, text); err != nil {
				t.Errorf("%s with %s: status %d %s is not as described: %v", route.operation, name, status, answer, err)
			}
			want := tc.want
			if route.public {
				want = []int{200}
			}
			if aboutUser := []string{"getUser", "listProjects", "createProject", "deleteProjects"}; tc.key == teamsKey && slices.Contains(aboutUser, route.operation) {
				want = []int{200} // with what belongs to that one
			}
			if !slices.Contains(want, status) {
				t.Errorf("%s with %s: status %d %s, want one of %d", route.operation, name, status, answer, want)
			}
			if strings.Contains(answer, "canary") || tc.key != ownerKey && (strings.Contains(answer, job) || strings.Contains(answer, "TOKEN")) {
				t.Errorf("%s with %s: the response says what belongs to another: %s", route.operation, name, answer)
			}
		}
	}
	slices.Sort(public)
	if want := []string{"getDocument", "getInfo", "getProof"}; !slices.Equal(public, want) {
		t.Errorf("operations without a key: %q, want %q", public, want)
	}
	if p := m.project(project); p == nil || !slices.Equal(p.Labels, []string{"x"}) {
		t.Errorf("the project of the owner is %+v", p)
	}
}

// example makes a valid request.
func example(t *testing.T, route describedRoute, project, job string) (path string, body io.Reader, kind string) {
	path = strings.NewReplacer("{project}", project, "{job}", job, "{type}", "dash").Replace(route.path)
	switch route.operation {
	case "createProject":
		return "/projects/dash", nil, ""
	case "getProof":
		return path + "?nonce=" + strings.Repeat("A", 43), nil, ""
	case "deploy":
		body, kind = multipartForm(t, nil, zipped, false)
		return path + "?project_id=" + project, body, kind
	case "setLabels":
		return path, strings.NewReader(`["x"]`), "application/json"
	case "rollback":
		return path, strings.NewReader(`{"number":1}`), "application/json"
	case "changeSettings":
		return path, strings.NewReader(`{}`), "application/json"
	}
	if len(route.body) > 0 {
		t.Fatalf("the test does not know the body of %s", route.operation)
	}
	return path, nil, ""
}

func TestSource(t *testing.T) {
	t.Parallel()
	base := serve(t, newMemory())
	host := strings.TrimPrefix(base, "http://")
	for name, tc := range map[string]struct {
		header []string
		want   int
	}{
		"plain":               {nil, 200},
		"other loopback name": {[]string{"Host", "localhost:1"}, 200},
		"IPv6":                {[]string{"Host", "[::1]:8000"}, 200},
		"configured":          {[]string{"Host", "Cloud.example"}, 200},
		"typed by the user":   {[]string{"Sec-Fetch-Site", "none"}, 200},
		"own page":            {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "http://" + host}, 200},
		"rebound name":        {[]string{"Host", "evil.example:8000"}, 400},
		"rebound below ours":  {[]string{"Host", "x.localhost:8000"}, 400},
		"not an address":      {[]string{"Host", "127.0.0.1.evil.example"}, 400},
		"ours as a prefix":    {[]string{"Host", "localhost.evil.example"}, 400},
		"address":             {[]string{"Host", "10.0.0.1:8000"}, 400},
		"other site":          {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"app of the platform": {[]string{"Sec-Fetch-Site", "same-site"}, 403},
		"origin of an app":    {[]string{"Origin", "http://demo.localhost:8080"}, 403},
		"origin, other port":  {[]string{"Origin", "http://127.0.0.1:8080"}, 403},
		"origin, https":       {[]string{"Origin", "https://" + host}, 403},
		"opaque origin":       {[]string{"Origin", "null"}, 403},
		"broken origin":       {[]string{"Origin", "%"}, 403},
	} {
		for _, path := range []string{"/projects", "/api/v1/info", "/openapi.json", "/nowhere"} {
			want := tc.want
			if path == "/nowhere" && want == 200 {
				want = 404
			}
			if status, body := send(t, "GET", base+path, ownerKey, nil, tc.header...); status != want {
				t.Errorf("%s, %s: status %d %s, want %d", name, path, status, body, want)
			}
		}
	}
}

// A platform that listens on all addresses has any of them as its host, and the configured names.
func TestSourceOnAllAddresses(t *testing.T) {
	t.Parallel()
	base := serve(t, newMemory(), func(o *Options) { o.Base = "https://[::]:8000" })
	for host, want := range map[string]int{
		"10.0.0.1:8000": 200, "[2001:db8::1]:8000": 200, "localhost": 200, "cloud.example": 200, "evil.example": 400, "10.0.0.1.evil.example": 400,
	} {
		if status, body := send(t, "GET", base+"/api/v1/info", "", nil, "Host", host); status != want {
			t.Errorf("host %q: status %d %s, want %d", host, status, body, want)
		}
	}
}

func TestNoRoute(t *testing.T) {
	t.Parallel()
	base := serve(t, newMemory())
	for line, want := range map[string]int{
		"GET /":                        404,
		"GET /project":                 404,
		"GET //projects":               404,
		"GET /projects//x":             404,
		"GET /x/../projects":           404,
		"GET /projects/../users/me":    404,
		"GET /projects/%2e%2e":         404,
		"GET /jobs/webservice/dash":    405,
		"POST /projects":               405,
		"DELETE /projects":             405, // and not all projects
		"GET /projects/":               405,
		"OPTIONS /projects":            405,
		"TRACE /projects":              405,
		"DELETE /users/me":             405,
		"HEAD /users/me":               200,
		"GET /users/me?x=%zz":          200,
		"GET /projects/" + "x%00":      404,
		"GET /projects/" + "%c3%28":    404,
		"GET /api/v2/info":             404,
		"GET /api/v1/projects/x/files": 404,
	} {
		method, path, _ := strings.Cut(line, " ")
		resp, body := receive(t, method, base+path, ownerKey, nil)
		if resp.StatusCode != want || want >= 400 && !strings.HasPrefix(string(body), `{"detail":"`) || resp.Header.Get("Location") != "" {
			t.Errorf("%s: status %d %s %s, want %d", line, resp.StatusCode, resp.Header, body, want)
		}
		if allow := resp.Header.Get("Allow"); (allow != "") != (want == 405) {
			t.Errorf("%s: Allow is %q", line, allow)
		}
	}
}
