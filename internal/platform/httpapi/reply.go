package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// refusal is an error whose text is for the client.
type refusal struct {
	status int
	detail string
	header http.Header // may be nil
}

func (r *refusal) Error() string { return r.detail }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, detail: fmt.Sprintf(format, args...)}
}

// invalid is the refusal of a value, with the status that FastAPI gives it.
func invalid(format string, args ...any) error {
	return refuse(http.StatusUnprocessableEntity, format, args...)
}

const internalError = "Internal Server Error"

// fail answers a request with an error. What went wrong inside the platform stays in its log: it may name files.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	var tooLarge *http.MaxBytesError
	var problem *platform.Problem
	status, detail := http.StatusInternalServerError, internalError
	switch {
	case errors.As(err, &refused):
		status, detail = refused.status, refused.detail
		for name, values := range refused.header {
			w.Header()[name] = values
		}
	case errors.Is(err, os.ErrDeadlineExceeded): // net/http ends the context too
		status, detail = http.StatusRequestTimeout, "The request arrived too slowly"
	case r.Context().Err() != nil: // the client has disconnected, or the platform stops
		status, detail = http.StatusServiceUnavailable, "The platform is stopping"
	case errors.As(err, &tooLarge):
		status, detail = http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than %d bytes", tooLarge.Limit)
	case errors.As(err, &problem) && problem.Reason == platform.ReasonArchive:
		status, detail = http.StatusUnprocessableEntity, problem.Msg
	case errors.As(err, &problem) && problem.Reason == platform.ReasonDisk:
		status, detail = http.StatusInsufficientStorage, "The disk of the platform is full"
	case errors.Is(err, platform.ErrNotFound):
		status, detail = http.StatusNotFound, "Not Found"
	case errors.Is(err, platform.ErrState):
		status, detail = http.StatusConflict, "This is not possible in the present state of the project"
	}
	if status == http.StatusInternalServerError {
		a.Log.Error("request failed", "method", r.Method, "route", r.Pattern, "error", err)
	}
	a.allowWrite(w)
	writeError(w, status, detail)
}

func writeError(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": detail}) // the client may have disconnected
}

// reply answers a request with a value as JSON.
func (a *API) reply(w http.ResponseWriter, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	a.write(w, append(data, '\n'))
	return nil
}

func (a *API) write(w http.ResponseWriter, data []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = (&steadyWriter{w, a}).Write(data) // the client may have disconnected
}

// done is the reply to an operation that has nothing to say.
type done struct {
	Message string `json:"message"`
}

const (
	stall       = 30 * time.Second // the longest standstill of a request or a response
	minimumRate = 4 << 10          // bytes a second that an upload must reach on average after that time
)

// allowWrite gives the next part of a response its time. A deadline stays with the connection, so every response begins with
// this.
func (a *API) allowWrite(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(a.Now().Add(stall)) // not all writers have deadlines
}

// steadyWriter ends a response whose client has stopped reading, however long the whole response takes.
type steadyWriter struct {
	http.ResponseWriter
	api *API
}

const writeAtOnce = 256 << 10 // bytes: at the minimum rate they take longer than the longest standstill

func (s *steadyWriter) Write(data []byte) (written int, err error) {
	for len(data) > 0 && err == nil {
		s.api.allowWrite(s.ResponseWriter)
		var n int
		n, err = s.ResponseWriter.Write(data[:min(len(data), writeAtOnce)])
		written, data = written+n, data[n:]
	}
	return written, err
}

// own returns a project of the user. A project of another user is answered like one that does not exist.
func (a *API) own(ctx context.Context, user platform.User, id string) (platform.Project, error) {
	if !platform.ValidProjectID(id) {
		return platform.Project{}, refuse(http.StatusNotFound, "There is no such project")
	}
	p, err := a.Projects.Project(ctx, id)
	switch {
	case errors.Is(err, platform.ErrNotFound), err == nil && p.Owner != user.ID:
		return platform.Project{}, refuse(http.StatusNotFound, "Project with id %s was not found", id)
	case err != nil:
		return platform.Project{}, err
	}
	return p, nil
}

// ownJob returns a deployment of the user with its project, like own.
func (a *API) ownJob(ctx context.Context, user platform.User, id string) (platform.Project, platform.Deployment, error) {
	missing := refuse(http.StatusNotFound, "There is no such job")
	if !platform.ValidDeploymentID(id) {
		return platform.Project{}, platform.Deployment{}, missing
	}
	d, err := a.Deployments.Deployment(ctx, id)
	if errors.Is(err, platform.ErrNotFound) {
		err = missing
	}
	if err != nil {
		return platform.Project{}, platform.Deployment{}, err
	}
	p, err := a.Projects.Project(ctx, d.Project)
	if errors.Is(err, platform.ErrNotFound) || err == nil && p.Owner != user.ID {
		err = missing
	}
	if err != nil {
		return platform.Project{}, platform.Deployment{}, err
	}
	return p, d, nil
}

// latest returns the newest deployment of a project; found is false before the first.
func (a *API) latest(ctx context.Context, projectID string) (d platform.Deployment, found bool, err error) {
	d, err = a.Deployments.Latest(ctx, projectID)
	if errors.Is(err, platform.ErrNotFound) {
		return platform.Deployment{}, false, nil
	}
	return d, err == nil, err
}
