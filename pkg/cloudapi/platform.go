package cloudapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// What 'ploomber-cloud platform serve' offers below /api/v1, beside the API of the hosted service. The types are those
// of the wire, for the client and the server.

// ErrUnsupported means that the host does not have the API below /api/v1.
var ErrUnsupported = errors.New("not offered by this host")

// PlatformInfo is the reply of GET /api/v1/info, which needs no key.
type PlatformInfo struct {
	Version   string `json:"version"`
	Dashboard string `json:"dashboard"` // base URL; the page of a job is {dashboard}/applications/{project}/{job}
	Apps      string `json:"apps"`      // domain of the apps with the port, such as localhost:8080
}

// ProjectStatus is the reply of GET /api/v1/projects/{id}.
type ProjectStatus struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Owner string `json:"owner"`
	Condition

	URL        string     `json:"url"`        // of the app
	Dashboard  string     `json:"dashboard"`  // page of the project
	Deployment int        `json:"deployment"` // number of the one that serves; 0: none
	SleepAfter SleepAfter `json:"sleep_after"`
	DataBytes  int64      `json:"data_bytes"` // size of the project's data folder
	Created    time.Time  `json:"created"`
}

// Condition says how a deployment is doing, and why it does not run.
type Condition struct {
	// State is one of queued, building, starting, running, frozen, asleep, draining, replaced, failed and stopped; "" for
	// a project that was never deployed.
	State    string   `json:"state"`
	Reason   string   `json:"reason"`    // why it failed or stopped, one of a closed list such as out-of-memory; else ""
	Problem  string   `json:"problem"`   // the same as a sentence with what is special to this app
	Detail   []string `json:"detail"`    // last lines of the log that explain the reason
	NextStep string   `json:"next_step"` // what to do about it, one sentence
}

// Why says why it does not run, "" if it does or if the platform does not say.
func (c Condition) Why() string { return cmp.Or(c.Problem, c.Reason) }

// DeploymentSummary is one deployment of a project.
type DeploymentSummary struct {
	Number  int       `json:"number"` // counts from 1 within the project
	ID      string    `json:"id"`     // of the job
	Created time.Time `json:"created"`
	By      string    `json:"by"` // name of the user
	State   string    `json:"state"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // of 'deploy --message'
	Size    int64     `json:"size"`    // bytes of the archive
	Current bool      `json:"current"` // new page loads get this one
}

// DeploymentList is the reply of GET /api/v1/projects/{id}/deployments, newest first.
type DeploymentList struct {
	Deployments []DeploymentSummary `json:"deployments"`
}

// RollbackRequest is the body of POST /api/v1/projects/{id}/rollback. The reply is the new DeploymentSummary.
type RollbackRequest struct {
	Number int `json:"number"` // 0: the one that served before the current one
}

// ProjectSettings is the reply of GET and PATCH /api/v1/projects/{id}/settings.
type ProjectSettings struct {
	SleepAfter SleepAfter `json:"sleep_after"`
}

// SettingsChange is the body of PATCH /api/v1/projects/{id}/settings. What is nil stays.
type SettingsChange struct {
	SleepAfter *SleepAfter `json:"sleep_after,omitempty"`
}

// SecretDigests is the reply of GET /api/v1/projects/{id}/secrets.
type SecretDigests struct {
	Secrets []SecretDigest `json:"secrets"`
}

// SecretDigest is the name of a secret and a digest of its value, keyed by the platform: equal digests of one project
// mean equal values, and nothing else can be read from them.
type SecretDigest struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// SleepAfter is the time after which an unused app sleeps; 0 means never. Its text is a duration of Go such as 15m0s,
// or "never".
type SleepAfter time.Duration

// Never keeps an app awake.
const Never SleepAfter = 0

func (s SleepAfter) String() string {
	if s == Never {
		return "never"
	}
	return time.Duration(s).String()
}

// MarshalText implements encoding.TextMarshaler.
func (s SleepAfter) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes durations of at least a second.
func (s *SleepAfter) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		*s = Never
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Second {
		return errors.New(`a time to sleep after is "never" or a duration of at least a second, such as 15m or 1h`)
	}
	*s = SleepAfter(d)
	return nil
}

// Info asks the host at o.BaseURL what it is; o.Key is not sent. ErrUnsupported means that it does not have /api/v1.
func Info(ctx context.Context, o Options) (*PlatformInfo, error) {
	return anonymous(o).info(ctx)
}

func (c *Client) info(ctx context.Context) (*PlatformInfo, error) {
	q := call{method: http.MethodGet, path: "/api/v1/info", repeat: always}
	var info PlatformInfo
	err := c.do(ctx, q, &info)
	if noSuchAPI(err) {
		return nil, c.unsupported(q)
	}
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// noSuchAPI tells that what answers does not have the path.
func noSuchAPI(err error) bool {
	var e *Error
	return errors.As(err, &e) && (errors.Is(e, ErrBadReply) || e.Status == http.StatusNotFound ||
		e.Status == http.StatusMethodNotAllowed || errors.Is(e, ErrUnauthorized)) // a host may want a key for any path
}

func (c *Client) unsupported(q call) error {
	return &Error{
		Method: q.method, Path: q.path, kind: ErrUnsupported,
		msg: c.clean(fmt.Sprintf("the host %s does not offer this, only a platform of 'ploomber-cloud platform serve'", c.base.Host)),
	}
}

// own is do for a path below /api/v1. Of a 404 it finds out whether the host lacks the project or the API.
func (c *Client) own(ctx context.Context, q call, out any) error {
	err := c.do(ctx, q, out)
	if err == nil || !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrBadReply) {
		return err
	}
	if _, infoErr := c.info(ctx); errors.Is(infoErr, ErrUnsupported) {
		return infoErr
	}
	return err
}

func ownPath(projectID, rest string) (string, error) {
	path, err := projectPath(projectID)
	return "/api/v1" + path + rest, err
}

// ProjectStatus returns the state of a project, with the reason if it does not run. ErrNotFound where the key sees no
// such project, ErrUnsupported where the host does not have /api/v1; so do all methods below.
func (c *Client) ProjectStatus(ctx context.Context, id string) (*ProjectStatus, error) {
	path, err := ownPath(id, "")
	if err != nil {
		return nil, err
	}
	var s ProjectStatus
	if err := c.own(ctx, call{method: http.MethodGet, path: path, repeat: always}, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// Deployments lists the deployments of a project, newest first.
func (c *Client) Deployments(ctx context.Context, projectID string) ([]DeploymentSummary, error) {
	path, err := ownPath(projectID, "/deployments")
	if err != nil {
		return nil, err
	}
	var list DeploymentList
	err = c.own(ctx, call{method: http.MethodGet, path: path, repeat: always}, &list)
	return list.Deployments, err
}

// Rollback deploys again what a deployment consisted of; number 0 means the one before the current one. The returned
// deployment is the new one. A request that is received twice makes one deployment.
func (c *Client) Rollback(ctx context.Context, projectID string, number int) (*DeploymentSummary, error) {
	path, err := ownPath(projectID, "/rollback")
	if err != nil {
		return nil, err
	}
	q := call{
		method: http.MethodPost, path: path, body: RollbackRequest{number}, repeat: resend,
		header: map[string]string{idempotencyHeader: idempotencyKey()},
	}
	var d DeploymentSummary
	if err := c.own(ctx, q, &d); err != nil {
		return nil, err
	}
	if d.ID == "" {
		return nil, c.lacks(q, "the id of the new job")
	}
	return &d, nil
}

// ProjectSettings returns the settings of a project.
func (c *Client) ProjectSettings(ctx context.Context, id string) (*ProjectSettings, error) {
	return c.settings(ctx, id, call{method: http.MethodGet, repeat: always})
}

// ChangeSettings changes settings of a project and returns all.
func (c *Client) ChangeSettings(ctx context.Context, id string, change SettingsChange) (*ProjectSettings, error) {
	return c.settings(ctx, id, call{method: http.MethodPatch, body: change, repeat: always})
}

func (c *Client) settings(ctx context.Context, id string, q call) (*ProjectSettings, error) {
	path, err := ownPath(id, "/settings")
	if err != nil {
		return nil, err
	}
	q.path = path
	var s ProjectSettings
	if err := c.own(ctx, q, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// LogQuery says which log is wanted. It is the query of GET /api/v1/projects/{id}/logs, whose reply are server-sent
// events: one event a line, data is the line and id its position.
type LogQuery struct {
	Type   string // "app" or "build"
	Follow bool   // wait for more lines
	After  string // position of the last line that is known, sent as Last-Event-ID; "" begins with the first
}

func (q LogQuery) values() url.Values {
	v := url.Values{"type": {q.Type}}
	if q.Follow {
		v.Set("follow", strconv.Itoa(1))
	}
	return v
}
