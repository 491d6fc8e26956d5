package initcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/unzip"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// These are not failures: there is simply nothing to do.
var (
	errLeft = errors.New("canceled") // the user left the menu
	errNone = errors.New("no-projects")
)

// nothing is what --json prints if no project was chosen.
type nothing struct {
	Status string `json:"status"` // "canceled" or "no-projects"
}

// fromExisting sets up the folder from a project of the platform.
func (o *Options) fromExisting(ctx context.Context) error {
	old, err := o.Folder.Replaceable(o.Force)
	if err != nil {
		return err
	}
	if err := o.answerable(ctx); err != nil {
		return err
	}
	o.IO.Err.Note("Initializing from existing project...")
	api, err := o.Connect()
	if err != nil {
		return err
	}
	id, err := o.choose(ctx, api)
	if errors.Is(err, errLeft) || errors.Is(err, errNone) {
		return o.IO.Result(nothing{err.Error()}, func(*term.Stream) {})
	}
	if err != nil {
		return err
	}
	o.IO.Err.Note("Configuring project with id '%s'.", id)
	found, err := api.Project(ctx, id)
	if err != nil {
		return err
	}
	c, to := o.configOf(id, found), o.Folder
	if o.OnlyConfig {
		if old != nil {
			c.Base = old.Base
		}
		err = to.Save(c, flow.Env{})
	} else {
		to, err = o.download(ctx, api, c)
	}
	if err != nil {
		return err
	}
	if err := o.done(c, to); err != nil {
		return err
	}
	o.hint(ctx, c, to)
	return nil
}

// answerable returns an error if a prompt will be needed and no one can answer it.
func (o *Options) answerable(ctx context.Context) error {
	var missing []prompt.Question
	if o.Project == "" {
		missing = append(missing, whichProject())
	}
	if o.Dest == "" && !o.OnlyConfig {
		missing = append(missing, whichFolder(o.Project))
	}
	return o.Ask.Expect(ctx, missing...)
}

func whichProject() prompt.Question {
	return prompt.Question{Label: "These are your existing projects, choose the one you're configuring:", Flag: "--project"}
}

func whichFolder(id string) prompt.Question {
	return prompt.Question{Label: "Enter the directory to download the project", Default: "./" + id, Flag: "--dest"}
}

func (o *Options) choose(ctx context.Context, api *cloudapi.Client) (string, error) {
	all, err := api.Projects(ctx)
	if err != nil {
		return "", err
	}
	if i, ok := named(all, o.Project); ok && o.Project != "" {
		return all[i].ID, nil
	}
	switch {
	case o.Project != "" && len(all) == 0:
		return "", failure.Failedf("you have no project %q, and no other projects", o.Project).
			WithHint("to create one, run 'ploomber-cloud init'; to see which key is used, 'ploomber-cloud key status'")
	case o.Project != "":
		return "", failure.Failedf("you have no project %q", o.Project).
			WithHint("see them with 'ploomber-cloud init --from-existing'")
	case len(all) == 0:
		o.IO.Err.Note("You have no existing projects. Run 'ploomber-cloud init' to make one.")
		return "", errNone
	}
	options := make([]string, 0, len(all)+1)
	for _, p := range all {
		label := p.ID
		if p.Name != "" && p.Name != p.ID {
			label = fmt.Sprintf("%s (%s)", p.ID, p.Name)
		}
		options = append(options, label)
	}
	n, err := o.Ask.Choose(ctx, whichProject(), append(options, "exit"), "Please enter a valid choice.",
		func(answer string) (int, bool) { return named(all, answer) })
	switch {
	case err != nil:
		return "", err
	case n == len(all):
		return "", errLeft
	}
	return all[n].ID, nil
}

// named finds a project by its id, otherwise by its name: the last match, like the reference tool.
func named(all []cloudapi.ProjectSummary, text string) (int, bool) {
	if i := slices.IndexFunc(all, func(p cloudapi.ProjectSummary) bool { return p.ID == text }); i >= 0 {
		return i, true
	}
	for i, p := range slices.Backward(all) {
		if p.Name == text {
			return i, true
		}
	}
	return 0, false
}

// configOf builds the configuration of a project: its labels, the resources of its last deployment, and warnings
// about what cannot be downloaded.
func (o *Options) configOf(id string, p *cloudapi.Project) *project.Config {
	c := &project.Config{ID: id, Type: p.Type, Labels: p.Labels}
	if len(p.Jobs) == 0 {
		return c
	}
	job := p.Jobs[0]
	if job.CPU > 0 {
		c.Resources = &project.Resources{CPU: job.CPU, RAM: job.RAM, GPU: job.GPU}
		o.IO.Err.Note("The resources of the last deployment have been carried over: %g CPU, %d GB RAM, %d GPU. "+
			"To change them, run 'ploomber-cloud resources --force'.", job.CPU, job.RAM, job.GPU)
	}
	for _, feature := range (flow.State{Newest: &job}).Protected() {
		o.IO.Err.Warn("%s has password authentication, which cannot be downloaded. "+
			"Before you deploy, run 'ploomber-cloud auth --add --feature %s'.", id, feature)
	}
	return c
}

// download unpacks the project and its configuration into the folder chosen by the user.
func (o *Options) download(ctx context.Context, api *cloudapi.Client, c *project.Config) (flow.Folder, error) {
	to, err := o.destination(ctx, c.ID)
	if err != nil {
		return to, err
	}
	if old, _ := to.Load(); old != nil { // to be replaced, even if it is invalid
		c.Base = old.Base
	}
	o.cleanStale()
	staging, err := os.MkdirTemp(o.TempDir(), stagingPrefix+"*")
	if err != nil {
		return to, fmt.Errorf("cannot download the project: %w", err)
	}
	defer func() { _ = os.RemoveAll(staging) }() // otherwise a later download cleans up
	archive, err := os.Create(filepath.Join(staging, "project.zip"))
	if err != nil {
		return to, fmt.Errorf("cannot download the project: %w", err)
	}
	err = api.Download(ctx, c.ID, archive)
	if closeErr := archive.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return to, err
	}
	if _, err := os.Lstat(to.Dir); errors.Is(err, fs.ErrNotExist) {
		if placed, err := o.place(ctx, archive.Name(), staging, to.Dir, c); placed || err != nil {
			return to, err
		}
	}
	if err := o.unpack(ctx, archive.Name(), to.Dir, staging); err != nil {
		return to, err
	}
	return to, to.Save(c, flow.Env{}) // last, so that a killed run can be repeated
}

const (
	stagingPrefix = "ploomber-cloud-download-"
	staleAfter    = 24 * time.Hour // no download takes that long
)

// cleanStale removes leftovers of killed downloads from the temporary folder. It skips what cannot be removed.
func (o *Options) cleanStale() {
	entries, _ := os.ReadDir(o.TempDir())
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), stagingPrefix) {
			continue
		}
		if info, err := e.Info(); err == nil && o.Now().Sub(info.ModTime()) > staleAfter {
			_ = os.RemoveAll(filepath.Join(o.TempDir(), e.Name()))
		}
	}
}

// place creates the folder dest in one step, so that it never exists half-filled. It does nothing if the temporary
// folder is on another file system.
func (o *Options) place(ctx context.Context, archive, staging, dest string, c *project.Config) (placed bool, err error) {
	whole := flow.Folder{Dir: filepath.Join(staging, "project")}
	if err := o.unpack(ctx, archive, whole.Dir, staging); err != nil {
		return false, err
	}
	own := *c // c itself may have to be saved in dest
	if err := whole.Save(&own, flow.Env{}); err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return false, fmt.Errorf("cannot create the folder %s: %w", dest, err)
	}
	return os.Rename(whole.Dir, dest) == nil, nil
}

// destination is the folder to download to; it must not be a project already.
func (o *Options) destination(ctx context.Context, id string) (flow.Folder, error) {
	dest := o.Dest
	if dest == "" {
		var err error
		if dest, err = o.Ask.Text(ctx, whichFolder(id)); err != nil {
			return flow.Folder{}, err
		}
	}
	if !filepath.IsAbs(dest) {
		dest = filepath.Join(o.Folder.Dir, dest)
	}
	to := flow.Folder{Dir: dest}
	if there, _ := to.Initialised(); there && !o.Force { // a folder that cannot be read cannot be written to either
		return to, failure.Failedf("%s is already a project", dest).WithHint("choose another folder with --dest")
	}
	if info, err := os.Stat(dest); err != nil || !info.IsDir() {
		return to, nil //nolint:nilerr // a new folder, or a place that the download cannot be put into
	}
	return to, fsx.Check(filepath.Join(dest, project.FileName)) // part of the files, which take precedence
}

func (o *Options) unpack(ctx context.Context, archive, dest, staging string) error {
	_, err := unzip.ExtractFile(ctx, archive, dest, unzip.Options{
		Take:    func(name string) bool { return name != project.FileName }, // the new one is written after it
		Staging: staging,
	})
	if errors.Is(err, unzip.ErrExists) {
		return failure.Failedf("cannot unpack the project into %s: %w", dest, err).
			WithHint("choose another folder with --dest")
	}
	if err != nil {
		return fmt.Errorf("cannot unpack the project: %w", err) // dest may be a temporary folder that is removed
	}
	return nil
}
