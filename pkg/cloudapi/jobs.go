package cloudapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Job is a deployment. Status is one of the platform's words, e.g. "pending", "running", "failed"; new ones may come. What
// follows Resources is in the replies of 'ploomber-cloud platform serve' only.
type Job struct {
	ID         string       `json:"id"`
	Status     string       `json:"status"`
	Resources  JobResources `json:"resources"`
	StatusPage string       `json:"status_page"` // on the dashboard
	Condition
}

// JobResources are the addresses of a deployment.
type JobResources struct {
	Webservice string `json:"webservice"` // URL of the app; may be empty
}

// Logs are the two logs of a job, oldest line first. A log that does not exist yet is "".
type Logs struct {
	Build string `json:"build-docker"`
	App   string `json:"app"`
}

// Job returns the state of a deployment; ErrNotFound where the key sees none of this id.
func (c *Client) Job(ctx context.Context, id string) (*Job, error) {
	s, err := segment("job id", id)
	if err != nil {
		return nil, err
	}
	var j Job
	if err := c.do(ctx, call{method: http.MethodGet, path: "/jobs/" + s, repeat: always}, &j); err != nil {
		return nil, err
	}
	return &j, nil
}

// Logs returns the build and the web-service log of a job. Lines at or before since are left out; the zero time asks
// for all. The platform counts in milliseconds since the Unix epoch, so a finer part of since is cut off. The error
// wraps ErrNotFound where the key sees no such job, ErrUnauthorized where the key is refused, ctx.Err() where ctx
// ends first. Safe for concurrent use.
func (c *Client) Logs(ctx context.Context, jobID string, since time.Time) (Logs, error) {
	s, err := segment("job id", jobID)
	if err != nil {
		return Logs{}, err
	}
	q := call{method: http.MethodGet, path: "/v2/jobs/" + s + "/logs", repeat: always, limit: maxLogs}
	if !since.IsZero() {
		q.query = url.Values{"start_time": {strconv.FormatInt(since.UnixMilli()+1, 10)}} // the platform includes it
	}
	var reply struct {
		Logs Logs `json:"logs"`
	}
	err = c.do(ctx, q, &reply)
	return reply.Logs, err
}

// StartService starts the web service of a stopped job. It is not repeated where a try may have succeeded, because
// the platform refuses to start what is starting.
func (c *Client) StartService(ctx context.Context, jobID string) error {
	return c.service(ctx, jobID, "service_start")
}

// StopService stops the web service of a job; see StartService.
func (c *Client) StopService(ctx context.Context, jobID string) error {
	return c.service(ctx, jobID, "service_stop")
}

func (c *Client) service(ctx context.Context, jobID, action string) error {
	s, err := segment("job id", jobID)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodPatch, path: "/v2/jobs/" + s + "/" + action}, nil)
}
