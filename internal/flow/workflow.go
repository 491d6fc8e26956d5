package flow

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/remote"
)

//go:embed workflow.yaml
var offlineWorkflow string

// maxWorkflow limits the size of a workflow file, in bytes.
const maxWorkflow = 1 << 20

// Fetch downloads a small file from a host that is not the platform.
type Fetch func(ctx context.Context, url string, limit int64) ([]byte, error)

// Workflow is the GitHub workflow that deploys a project.
type Workflow struct {
	Folder Folder
	Fetch  Fetch
	URL    string // URL of the template

	// Offline uses the built-in template. The one that is downloaded installs the Python tool, which only knows the hosts of
	// the former service.
	Offline bool
}

// Path is the path of the workflow, whether or not it exists.
func (w Workflow) Path() string {
	return filepath.Join(w.Folder.Dir, ".github", "workflows", "ploomber-cloud.yaml")
}

// InGit reports whether the project folder is the root of a git repository.
func (w Workflow) InGit() bool {
	info, err := os.Stat(filepath.Join(w.Folder.Dir, ".git"))
	return err == nil && info.IsDir()
}

// Template is the newest workflow template. If it is unavailable, because the network or its host is down or a
// proxy answers instead, it is the built-in one, and why is the reason. A missing template at its address is an
// error, as in the reference tool.
func (w Workflow) Template(ctx context.Context) (text string, why, err error) {
	if w.Offline {
		return offlineWorkflow, nil, nil
	}
	data, err := w.Fetch(ctx, w.URL, maxWorkflow)
	var refused *remote.Error
	switch {
	case ctx.Err() != nil:
		return "", nil, ctx.Err()
	case err == nil && isWorkflow(data):
		return string(data), nil, nil
	case err == nil:
		return offlineWorkflow, fmt.Errorf("%s answered with something that is not a workflow", remote.Public(w.URL)), nil
	case errors.Is(err, remote.ErrNetwork), errors.Is(err, remote.ErrTooLarge), errors.As(err, &refused) && (refused.WebPage() || !isMissing(refused.Status)):
		return offlineWorkflow, err, nil
	default:
		return "", nil, failure.Failedf("cannot fetch the workflow template: %w", err).
			WithHint("to use the built-in one, run 'ploomber-cloud github --offline'")
	}
}

// isMissing detects responses that are not temporary.
func isMissing(status int) bool {
	return status == 0 || status == http.StatusNotFound || status == http.StatusGone
}

// isWorkflow distinguishes a workflow from other responses, such as a login page: it is a block-style mapping with
// a key that GitHub knows.
func isWorkflow(data []byte) bool {
	var document yaml.Node
	if yaml.Unmarshal(data, &document) != nil || len(document.Content) != 1 {
		return false
	}
	top := document.Content[0]
	if top.Kind != yaml.MappingNode || top.Style&yaml.FlowStyle != 0 {
		return false
	}
	for i := 0; i < len(top.Content); i += 2 {
		switch top.Content[i].Value { // GitHub's "Workflow syntax for GitHub Actions"
		case "name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs":
			return true
		}
	}
	return false
}

// Current returns the project's workflow; exists is false if there is none.
func (w Workflow) Current() (text string, exists bool, err error) {
	data, err := readFile(w.Path(), maxWorkflow)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, failure.Failedf("cannot read %s: %w", w.Path(), err)
	}
	return string(data), true, nil
}

// UpToDate reports whether current equals the template, possibly with the project's secrets.
func UpToDate(current, template string, secrets []string) bool {
	rendered, _ := Render(template, secrets)
	current = strings.TrimSpace(current)
	return current == strings.TrimSpace(template) || current == strings.TrimSpace(rendered)
}

// keyLine is contained in the line of a workflow that passes the API key.
const keyLine = "PLOOMBER_CLOUD_KEY:"

// Render adds one line for each secret after the first line that passes the API key, with the same indentation. If
// the template has no such line it is returned unchanged and ok is false.
func Render(template string, secrets []string) (text string, ok bool) {
	lines := strings.SplitAfter(template, "\n")
	for i, line := range lines {
		if !strings.Contains(line, keyLine) {
			continue
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if !strings.HasSuffix(line, "\n") {
			lines[i] += "\n"
		}
		for _, name := range secrets {
			if SecretName(name) && name+":" != keyLine {
				lines[i] += indent + name + ": ${{ secrets." + name + " }}\n"
			}
		}
		return strings.Join(lines, ""), true
	}
	return template, false
}

// Variables lists what the workflow takes from the repository to reach the platform.
func Variables(workflow string) []string {
	names := []string{"PLOOMBER_CLOUD_KEY"}
	if strings.Contains(workflow, "secrets.PLOOMBER_CLOUD_API_URL") {
		names = append(names, "PLOOMBER_CLOUD_API_URL")
	}
	return names
}

// SecretName reports whether a workflow can name the secret: letters, digits and underscores only, so that no name
// can add a step to the workflow.
func SecretName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// Advice is a suggestion about a project's workflow.
type Advice int

// The values returned by Advise.
const (
	NoAdvice Advice = iota
	AddWorkflow
	UpdateWorkflow
)

// Advise suggests, after a command is done, to create or update the workflow. It never fails, because the command
// has succeeded.
func (w Workflow) Advise(ctx context.Context, secrets []string) Advice {
	if !w.InGit() {
		return NoAdvice
	}
	current, exists, err := w.Current()
	if err != nil {
		return NoAdvice
	}
	if !exists {
		return AddWorkflow
	}
	template, why, err := w.Template(ctx)
	if err == nil && why == nil && !UpToDate(current, template, secrets) {
		return UpdateWorkflow
	}
	return NoAdvice
}
