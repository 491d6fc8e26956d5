package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// generator makes a request from the document: one that is as described, or has a part that is not.
type generator struct {
	*rapid.T
	d     *described
	known map[string][]string
	valid bool // all of the request is as described
	wrong bool // a part of it certainly is not
	keys  int  // how many secrets it has
}

func (g *generator) request(route describedRoute) *http.Request {
	g.valid = true
	mutate := rapid.SampledFrom([]string{"", "", "", "parameter", "body", "type"}).Draw(g.T, "mutate")
	path, query, header := route.path, url.Values{}, http.Header{}
	for _, p := range route.parameters {
		name := p["name"].(string)
		if p["required"] != true && rapid.Bool().Draw(g.T, "without "+name) {
			continue
		}
		value := g.parameter(name, p)
		if mutate == "parameter" {
			g.valid = false
			value = rapid.SampledFrom([]string{
				"", "0", "-1", "null", "a b", "é", strings.Repeat("x", 300), "\x1b[31m", "%00", "1e400", "[]", "../..",
			}).Draw(g.T, name)
		}
		switch p["in"] {
		case "path":
			if value == "" {
				value = " " // without the segment it would be another route
			}
			path = strings.Replace(path, "{"+name+"}", url.PathEscape(value), 1)
		case "query":
			query.Set(name, value)
		case "header":
			header.Set(name, strings.Trim(value, "\x1b"))
		}
	}
	body, kind := g.body(route, mutate == "body")
	if mutate == "type" && kind != "" {
		kind, g.valid, g.wrong = "text/plain", false, true
	}
	r := httptest.NewRequest(route.method, "http://127.0.0.1:8000"+path, body)
	r.URL.RawQuery = query.Encode()
	maps.Copy(r.Header, header)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if key := rapid.SampledFrom(g.known["key"]).Draw(g.T, "key"); key != "" {
		r.Header.Set("api_key", key)
	}
	return r
}

func (g *generator) parameter(name string, p map[string]any) string {
	schema := g.d.resolve(p["schema"])
	_, choice := schema["enum"]
	switch {
	case !choice && (name == "project" || name == "job"):
		return rapid.SampledFrom(g.known[name]).Draw(g.T, name)
	case name == "project_id":
		return rapid.SampledFrom(append(slices.Clone(g.known["project"]), "new")).Draw(g.T, name)
	default:
		return fmt.Sprint(g.value(schema, name))
	}
}

// body makes the body of a request; the content type is "" if the operation has none.
func (g *generator) body(route describedRoute, mutate bool) (io.Reader, string) {
	for kind, schema := range route.body {
		if kind == "multipart/form-data" {
			return g.form(g.d.resolve(schema), mutate)
		}
		data, err := json.Marshal(g.value(g.d.resolve(schema), "body"))
		if err != nil {
			g.Fatal(err)
		}
		if mutate {
			data = []byte(rapid.SampledFrom([]string{
				"", "null", "{", "5", `"x"`, `{"x":1}`, `[null]`, `[1]`, `["\u001b"]`, `{"number":"1"}`, `{"number":null}`, `{"number":1.5}`,
				`{"number":1,"number":2}`, `{"Number":1}`, `{"sleep_after":5}`, `{"sleep_after":"1ms"}`, `{"sleep_after":"99999h"}`,
				`{"sleep_after":null}`, strings.Repeat(" ", maxJSON+1),
			}).Draw(g.T, "other"))
			g.valid, g.wrong = false, true
		}
		return bytes.NewReader(data), kind
	}
	return nil, ""
}

// form makes a multipart form.
func (g *generator) form(schema map[string]any, mutate bool) (io.Reader, string) {
	properties := schema["properties"].(map[string]any)
	amounts := rapid.Bool().Draw(g.T, "amounts")
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		value := zipped
		if name != "files" {
			amount := schema["dependentRequired"].(map[string]any)[name] != nil
			if amount && !amounts || !amount && rapid.Bool().Draw(g.T, "without "+name) {
				continue
			}
			value = g.encoded(g.d.resolve(properties[name]), name)
		}
		if mutate && rapid.Bool().Draw(g.T, "mutate "+name) {
			value = rapid.SampledFrom([]string{"", "null", "{", "-5", "[1]", "\x00", "x", `{"username":"u"}`}).Draw(g.T, name)
			g.valid = false
		}
		if name == "files" {
			part, _ := w.CreateFormFile(name, "app.zip") // a bytes.Buffer takes everything
			_, _ = io.WriteString(part, value)
			continue
		}
		_ = w.WriteField(name, value)
	}
	if mutate && rapid.Bool().Draw(g.T, "unknown field") {
		_ = w.WriteField("nonsense", "1")
		g.valid, g.wrong = false, true
	}
	_ = w.Close()
	return &b, w.FormDataContentType()
}

// encoded makes the value of a form field: text as it is, anything else as JSON.
func (g *generator) encoded(schema map[string]any, name string) string {
	value := g.value(schema, name)
	if text, ok := value.(string); ok {
		return text
	}
	data, err := json.Marshal(value)
	if err != nil {
		g.Fatal(err)
	}
	return string(data)
}

// value makes a value that a schema allows.
func (g *generator) value(schema map[string]any, name string) any {
	if values, ok := schema["enum"].([]any); ok {
		return rapid.SampledFrom(values).Draw(g.T, name)
	}
	if types, ok := schema["type"].([]any); ok {
		schema = map[string]any{"type": rapid.SampledFrom(types).Draw(g.T, name)}
	}
	switch schema["type"] {
	case "null":
		return nil
	case "object":
		object := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, p := range slices.Sorted(maps.Keys(properties)) {
			if slices.Contains(required, any(p)) || rapid.Bool().Draw(g.T, "with "+p) {
				object[p] = g.value(g.d.resolve(properties[p]), p)
			}
		}
		return object
	case "array":
		items := []any{}
		for range rapid.IntRange(0, 3).Draw(g.T, name) {
			items = append(items, g.value(g.d.resolve(schema["items"]), name))
		}
		return items
	case "number":
		return rapid.SampledFrom([]float64{0.5, 1, 4, 1.25}).Draw(g.T, name)
	case "integer":
		return rapid.Int64Range(whole(schema["minimum"]), whole(schema["maximum"])).Draw(g.T, name)
	case "string":
		return g.text(schema, name)
	default:
		g.Fatalf("the test does not know type %v of %s", schema["type"], name)
		return nil
	}
}

func (g *generator) text(schema map[string]any, name string) string {
	if name == "sleep_after" {
		return rapid.SampledFrom([]string{"never", "15m", "1h30m", "1s", "8783h", "1.5h"}).Draw(g.T, name)
	}
	if name == "key" {
		g.keys++
		return fmt.Sprint("KEY", g.keys) // no two secrets have the same
	}
	if pattern, ok := schema["pattern"].(string); ok {
		return rapid.StringMatching(pattern).Draw(g.T, name)
	}
	return rapid.StringMatching(`[a-zäöü ]{1,50}`).Draw(g.T, name)
}

func whole(number any) int64 {
	n, _ := number.(json.Number).Int64()
	return n
}
