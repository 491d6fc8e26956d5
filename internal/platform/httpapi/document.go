package httpapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// openapi.yaml describes every operation, and the routes are made from it: there is no route that it does not describe.
//
//go:embed openapi.yaml
var openapi []byte

// route is an operation of the document.
type route struct {
	method, path string
	operation    string
	public       bool // needs no key
}

// pattern is the pattern of the route for http.ServeMux, whose path parameters are written like those of OpenAPI.
func (r route) pattern() string {
	if strings.HasSuffix(r.path, "/") {
		return r.method + " " + r.path + "{$}"
	}
	return r.method + " " + r.path
}

// readDocument returns openapi.yaml as JSON, and its routes.
func readDocument() ([]byte, []route, error) {
	var whole map[string]any
	if err := yaml.Unmarshal(openapi, &whole); err != nil {
		return nil, nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	delete(whole, "x-responses") // only there to be included elsewhere
	document, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return nil, nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	routes, err := routesOf(document)
	return document, routes, err
}

func routesOf(document []byte) ([]route, error) {
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	var routes []route
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for method, raw := range d.Paths[path] {
			if method == "parameters" {
				continue
			}
			var op struct {
				OperationID string
				Security    *[]any
			}
			if err := json.Unmarshal(raw, &op); err != nil {
				return nil, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err)
			}
			if operations()[op.OperationID] == nil {
				return nil, fmt.Errorf("openapi.yaml: %s %s: there is no operation %q", method, path, op.OperationID)
			}
			public := op.Security != nil && len(*op.Security) == 0
			routes = append(routes, route{strings.ToUpper(method), path, op.OperationID, public})
		}
	}
	return routes, nil
}

func (a *API) getDocument(w http.ResponseWriter, _ *request) error {
	a.write(w, a.document)
	return nil
}
