package httpapi

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// described is the document as it is served.
type described struct {
	schemas *jsonschema.Compiler
	whole   map[string]any
	routes  []describedRoute
}

// describedRoute is an operation as a client sees it that knows only the document.
type describedRoute struct {
	route
	parameters []map[string]any
	body       map[string]any // schemas by content type
}

func describe(t *testing.T, base string) *described {
	t.Helper()
	_, served := send(t, "GET", base+"/openapi.json", "", nil)
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(served))
	if err != nil {
		t.Fatal(err)
	}
	d := &described{schemas: jsonschema.NewCompiler(), whole: whole.(map[string]any)}
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource(documentURL, whole); err != nil {
		t.Fatal(err)
	}
	routes, err := routesOf([]byte(served))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		d.routes = append(d.routes, d.route(r))
	}
	return d
}

const documentURL = "http://127.0.0.1:8000/openapi.json"

func (d *described) route(r route) describedRoute {
	path := d.whole["paths"].(map[string]any)[r.path].(map[string]any)
	op := path[strings.ToLower(r.method)].(map[string]any)
	route := describedRoute{route: r, body: map[string]any{}}
	for _, list := range []any{path["parameters"], op["parameters"]} {
		parameters, _ := list.([]any)
		for _, p := range parameters {
			p := d.resolve(p)
			// An operation's own parameter replaces that of its path.
			route.parameters = slices.DeleteFunc(route.parameters, func(q map[string]any) bool {
				return q["name"] == p["name"] && q["in"] == p["in"]
			})
			route.parameters = append(route.parameters, p)
		}
	}
	if body, ok := op["requestBody"].(map[string]any); ok {
		for kind, content := range body["content"].(map[string]any) {
			route.body[kind] = content.(map[string]any)["schema"]
		}
	}
	return route
}

// resolve follows a reference.
func (d *described) resolve(node any) map[string]any {
	m := node.(map[string]any)
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	found := any(d.whole)
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		found = found.(map[string]any)[name]
	}
	return d.resolve(found)
}

// mismatch returns how a response differs from what the document says about an operation.
func (d *described) mismatch(r route, resp *http.Response, body []byte) error {
	escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
	at := "#/paths/" + escape(r.path) + "/" + strings.ToLower(r.method) + "/responses"
	responses := d.whole["paths"].(map[string]any)[r.path].(map[string]any)[strings.ToLower(r.method)].(map[string]any)["responses"].(map[string]any)
	status := fmt.Sprint(resp.StatusCode)
	response, ok := responses[status].(map[string]any)
	if !ok {
		return fmt.Errorf("status %s is not described", status)
	}
	at += "/" + status
	if ref, ok := response["$ref"].(string); ok {
		at, response = ref, d.resolve(response)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content, ok := response["content"].(map[string]any)[kind].(map[string]any)
	if !ok {
		return fmt.Errorf("content type %s is not described", kind)
	}
	if _, ok := content["schema"]; !ok {
		return nil
	}
	schema, err := d.schemas.Compile(documentURL + at + "/content/" + escape(kind) + "/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func TestDocument(t *testing.T) {
	t.Parallel()
	d := describe(t, serve(t, newMemory()))
	if len(d.routes) != len(operations()) {
		t.Errorf("%d operations are described, %d exist", len(d.routes), len(operations()))
	}
	want := map[string][]string{"State": nil, "Reason": {""}, "ProjectType": nil}
	for _, s := range platform.States() {
		want["State"] = append(want["State"], string(s))
	}
	for _, r := range platform.Reasons() {
		want["Reason"] = append(want["Reason"], string(r))
	}
	for _, f := range platform.ProjectTypes() {
		want["ProjectType"] = append(want["ProjectType"], string(f))
	}
	for name, values := range want {
		var got []string
		for _, v := range d.resolve(map[string]any{"$ref": "#/components/schemas/" + name})["enum"].([]any) {
			got = append(got, v.(string))
		}
		slices.Sort(got)
		slices.Sort(values)
		if !slices.Equal(got, values) {
			t.Errorf("schema %s lists %q, want %q", name, got, values)
		}
	}
}

// The test below relies on mismatch, which has to see what is not described.
func TestMismatch(t *testing.T) {
	t.Parallel()
	d := describe(t, serve(t, newMemory()))
	me := route{method: "GET", path: "/users/me"}
	response := func(status int, kind string) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}}
	}
	for body, status := range map[string]int{
		`{"_model":{"name":"a","type":"gold"}}`: 200, `{"_model":{}}`: 200, `[]`: 200, `<html>`: 200, `{"detail":5}`: 401, `{"error":"x"}`: 401,
		`{"detail":"x"}`: 418,
	} {
		if d.mismatch(me, response(status, "application/json"), []byte(body)) == nil {
			t.Errorf("status %d with %s is taken for described", status, body)
		}
	}
	good := []byte(`{"_model":{"name":"a","type":"pro"}}`)
	if d.mismatch(me, response(200, "text/html"), good) == nil {
		t.Error("a web page is taken for described")
	}
	if err := d.mismatch(me, response(200, "application/json"), good); err != nil {
		t.Error(err)
	}
}

// TestResponsesAreDescribed sends requests that are made from the document, valid ones and others, and holds every response
// against the document.
func TestResponsesAreDescribed(t *testing.T) {
	t.Parallel()
	d := describe(t, serve(t, newMemory()))
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory()
		close(m.more)
		a, err := New(m.options())
		if err != nil {
			t.Fatal(err)
		}
		for _, route := range d.routes {
			prepare(t, m)
			askAndCheck(t, a, &generator{T: t, d: d, known: known(m)}, route)
		}
	})
}

func askAndCheck(t *rapid.T, a *API, g *generator, route describedRoute) {
	r := g.request(route)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	resp := w.Result()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	status := resp.StatusCode
	switch {
	case status >= 500:
		t.Errorf("%s %s: status %d %s", r.Method, r.URL, status, body)
	case g.valid && status == http.StatusUnprocessableEntity:
		t.Errorf("%s %s: a valid request gets %s", r.Method, r.URL, body)
	case g.wrong && status < 300:
		t.Errorf("%s %s: an invalid request gets status %d %s", r.Method, r.URL, status, body)
	}
	if err := g.d.mismatch(route.route, resp, body); err != nil {
		t.Errorf("%s %s: status %d %.300q is not as described: %v", r.Method, r.URL, status, body, err)
	}
}

// prepare makes sure that there is a project of the owner, in any state.
func prepare(t *rapid.T, m *memory) {
	if len(m.projects) == 0 {
		if _, err := m.CreateProject(t.Context(), m.users[ownerKey], platform.Dash, 0); err != nil {
			t.Fatal(err)
		}
	}
	project := m.projects[0].ID
	if len(m.deployments) == 0 || rapid.Bool().Draw(t, "deployed") {
		digest, size, _ := m.Receive(t.Context(), strings.NewReader(zipped), 1000)
		d, err := m.Deploy(t.Context(), platform.Submission{
			Project: project, Release: platform.Release{Type: platform.Dash, Archive: digest, Size: size},
			Secrets: platform.Secrets{Variables: []platform.Variable{{Name: "A", Value: "b"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		m.log(d.ID, AppLog, "one", "two")
	}
	state := rapid.SampledFrom(platform.States()).Draw(t, "state")
	cause := platform.Cause{}
	if state == platform.StateFailed {
		cause = platform.Cause{Reason: rapid.SampledFrom(platform.Reasons()).Draw(t, "reason"), Output: []string{"last line"}}
	}
	m.play(project, state, cause)
}

// known are values that requests may name.
func known(m *memory) map[string][]string {
	k := map[string][]string{
		"project": {"no-such-1"}, "job": {strings.Repeat("a", 26)},
		"key": {ownerKey, ownerKey, ownerKey, communityKey, removedKey, ""},
	}
	for _, p := range m.projects[max(0, len(m.projects)-3):] {
		k["project"] = append(k["project"], p.ID)
	}
	for _, d := range m.deployments[max(0, len(m.deployments)-3):] {
		k["job"] = append(k["job"], d.ID)
	}
	return k
}
