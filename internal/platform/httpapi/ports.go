package httpapi

import (
	"context"
	"io"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Users finds users by their API keys.
type Users interface {
	// UserByKey returns an error that wraps platform.ErrNotFound if nobody has the key.
	UserByKey(ctx context.Context, key string) (platform.User, error)
}

// Projects has the projects. Its errors wrap platform.ErrNotFound for an unknown ID.
type Projects interface {
	Project(ctx context.Context, id string) (platform.Project, error)
	Projects(ctx context.Context, ownerID string) ([]platform.Project, error) // oldest first
	// CreateProject returns an error that wraps platform.ErrLimit if the owner has limit projects; 0 means no limit.
	CreateProject(ctx context.Context, owner platform.User, t platform.Framework, limit int) (platform.Project, error)
}

// Settings changes settings of projects, which take effect at once.
type Settings interface {
	SetLabels(ctx context.Context, projectID string, labels []string) error
	SetSleep(ctx context.Context, projectID string, sleep platform.Sleep) error
}

// Deployments has the deployments. Its errors wrap platform.ErrNotFound for an unknown ID.
type Deployments interface {
	Deployment(ctx context.Context, id string) (platform.Deployment, error)
	Deployments(ctx context.Context, projectID string) ([]platform.Deployment, error) // newest first
	Latest(ctx context.Context, projectID string) (platform.Deployment, error)
	SecretDigests(ctx context.Context, deploymentID string) (map[string]string, error) // by the name of the variable
}

// Archives keeps uploads by the digest of their content.
type Archives interface {
	// Receive stores what it reads. The error wraps platform.ErrLimit if that is more than limit bytes, is a *platform.Problem
	// if it cannot be used or the disk is full, and wraps any error of r.
	Receive(ctx context.Context, r io.Reader, limit int64) (digest string, size int64, err error)
	Open(digest string) (file io.ReadCloser, size int64, err error)
}

// Releases makes new deployments.
type Releases interface {
	// Deploy returns an error that wraps platform.ErrExists if an earlier request with the same Request had other files.
	Deploy(ctx context.Context, s platform.Submission) (platform.Deployment, error)
	// Rollback repeats the release of a deployment; number 0 means the one that served before the current one. The error
	// wraps platform.ErrNotFound if there is none with this number, platform.ErrState if it never ran.
	Rollback(ctx context.Context, projectID string, number int, by, request string) (platform.Deployment, error)
}

// Apps starts, stops and deletes the apps of projects. Its errors wrap platform.ErrState if that is not possible now.
type Apps interface {
	Start(ctx context.Context, projectID string) error
	Stop(ctx context.Context, projectID string) error
	Delete(ctx context.Context, projectID string) error // the project too
}

// LogKind is one of the logs of a deployment.
type LogKind string

// The logs.
const (
	BuildLog LogKind = "build"
	AppLog   LogKind = "app"
)

// Line is one line of a log.
type Line struct {
	Time time.Time // to the microsecond, later than that of the line before
	Text string    // plain text without line breaks
}

// Logs reads the logs of deployments. A log that does not exist yet has no lines.
type Logs interface {
	// Read returns the lines that were printed after since, oldest first.
	Read(deploymentID string, kind LogKind, since time.Time) ([]Line, error)
	// Watch sends the lines that were printed after since, and then each new one, until ctx ends. Then it closes the channel.
	Watch(ctx context.Context, deploymentID string, kind LogKind, since time.Time) <-chan Line
}

// Addresses knows where things are.
type Addresses interface {
	AppURL(projectID string) string
	DashboardURL(projectID, deploymentID string) string // deploymentID may be ""
	DataSize(projectID string) (int64, error)           // bytes of the project's data folder
}
