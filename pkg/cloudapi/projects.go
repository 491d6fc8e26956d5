package cloudapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// ProjectSummary is an entry of the list of projects. Name is empty where the project has none.
type ProjectSummary struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Project is what the platform knows about a project. Slices are nil where the platform sends null or nothing.
type Project struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Labels  []string     `json:"labels"`
	Secrets []string     `json:"secrets"` // names only, the values never come back
	Jobs    []ProjectJob `json:"jobs"`    // newest first
}

// ProjectJob is a deployment as its project lists it.
type ProjectJob struct {
	ID                   string  `json:"id"`
	CPU                  float64 `json:"cpu"` // cores; 0 where the platform does not say
	RAM                  int     `json:"ram"` // GB
	GPU                  int     `json:"gpu"` // number of devices
	AuthEnabled          bool    `json:"auth_enabled"`
	AuthAnalyticsEnabled bool    `json:"auth_analytics_enabled"`
}

// UnmarshalJSON reads a job, whose numbers the platform sends as text.
func (j *ProjectJob) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID            string `json:"id"`
		CPU           number `json:"cpu"`
		RAM           number `json:"ram"`
		GPU           number `json:"gpu"`
		Auth          bool   `json:"auth_enabled"`
		AuthAnalytics bool   `json:"auth_analytics_enabled"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*j = ProjectJob{
		ID: wire.ID, CPU: float64(wire.CPU), RAM: int(wire.RAM), GPU: int(wire.GPU),
		AuthEnabled: wire.Auth, AuthAnalyticsEnabled: wire.AuthAnalytics,
	}
	return nil
}

// number is a JSON number, the same as text, or null.
type number float64

func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		*n = 0
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > math.MaxInt32 {
		return fmt.Errorf("%s is not an amount", data)
	}
	*n = number(f)
	return nil
}

// Created is a new project.
type Created struct {
	ID, Type string
	Object   json.RawMessage // the whole reply, a JSON object with its keys in the platform's order
}

// UnmarshalJSON keeps the object besides the two fields read from it.
func (p *Created) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*p = Created{ID: wire.ID, Type: wire.Type, Object: append(json.RawMessage(nil), data...)}
	return nil
}

// Tier returns the name of the user's tier, e.g. "community".
func (c *Client) Tier(ctx context.Context) (string, error) {
	var reply struct {
		Model struct {
			Type string `json:"type"`
		} `json:"_model"`
	}
	q := call{method: http.MethodGet, path: "/users/me", repeat: always,
		header: map[string]string{"Accept": "*/*", "Content-Type": typeJSON}}
	if err := c.do(ctx, q, &reply); err != nil {
		return "", err
	}
	if reply.Model.Type == "" {
		return "", c.lacks(q, "the user's tier")
	}
	return reply.Model.Type, nil
}

// Projects lists the user's projects in the platform's order.
func (c *Client) Projects(ctx context.Context) ([]ProjectSummary, error) {
	var reply struct {
		Projects []ProjectSummary `json:"projects"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: "/projects", repeat: always}, &reply)
	return reply.Projects, err
}

// Project returns one project; ErrNotFound where the key sees none of this id.
func (c *Client) Project(ctx context.Context, id string) (*Project, error) {
	path, err := projectPath(id)
	if err != nil {
		return nil, err
	}
	var p Project
	if err := c.do(ctx, call{method: http.MethodGet, path: path, repeat: always}, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// CreateProject makes a project of a type such as "streamlit". It is not repeated where a try may have succeeded.
func (c *Client) CreateProject(ctx context.Context, typ string) (*Created, error) {
	kind, err := segment("project type", typ)
	if err != nil {
		return nil, err
	}
	q := call{method: http.MethodPost, path: "/projects/" + kind}
	p := Created{}
	if err := c.do(ctx, q, &p); err != nil {
		return nil, err
	}
	if p.ID == "" {
		return nil, c.lacks(q, "the id of the new project")
	}
	if p.Type == "" {
		p.Type = typ
	}
	return &p, nil
}

// DeleteProject removes a project with all its deployments. It is repeatable: where the project is gone after a try
// whose answer was lost, that try removed it.
func (c *Client) DeleteProject(ctx context.Context, id string) error {
	path, err := projectPath(id)
	if err != nil {
		return err
	}
	err = c.do(ctx, call{method: http.MethodDelete, path: path, repeat: always}, nil)
	var e *Error
	if errors.As(err, &e) && e.doubtful && errors.Is(e, ErrNotFound) {
		return nil
	}
	return err
}

// DeleteAllProjects removes every project of the user. It is not repeated where a try may have succeeded: a later
// one could remove what was created in between.
func (c *Client) DeleteAllProjects(ctx context.Context) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/projects/"}, nil)
}

// SetLabels replaces all labels of a project; nil and empty remove them.
func (c *Client) SetLabels(ctx context.Context, id string, labels []string) error {
	path, err := projectPath(id)
	if err != nil {
		return err
	}
	if labels == nil {
		labels = []string{}
	}
	q := call{method: http.MethodPut, path: path + "/labels", body: labels, repeat: always}
	return c.do(ctx, q, nil)
}

func projectPath(id string) (string, error) {
	s, err := segment("project id", id)
	return "/projects/" + s, err
}

// lacks is the error for a reply without a field that nothing works without.
func (c *Client) lacks(q call, what string) error {
	return &Error{
		Status: http.StatusOK, Method: q.method, Path: q.path, kind: ErrBadReply,
		msg: c.clean(fmt.Sprintf("the platform's reply lacks %s (%s %s)", what, q.method, q.path)),
	}
}
