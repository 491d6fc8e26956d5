package build

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// imageInputs builds the project's Dockerfile with docker or podman, whichever responds. Layers are in their
// cache, so the build is run each time.
func (b *Builder) imageInputs(ctx context.Context, p Project) (inputs, error) {
	if _, err := os.Stat(filepath.Join(p.Dir, p.Recipe.Entry)); err != nil {
		return inputs{}, &platform.Problem{Reason: platform.ReasonEntryMissing, Msg: "cannot read the project", Err: err, Hint: "write a " + p.Recipe.Entry}
	}
	engine, err := b.engine(ctx, p)
	if err != nil {
		return inputs{}, err
	}
	folder := platform.FolderName(p.Dir)
	in := b.unresolved(p, "image-"+folder, func(ctx context.Context, _ string) (platform.Environment, []string, error) {
		env := platform.Environment{Program: engine, Image: "ploomber-cloud/" + strings.ToLower(strings.Trim(folder, "-"))}
		b.step(platform.Building, "building the image with %s", filepath.Base(engine))
		err := b.run(ctx, p, "building the image", engine, "build", "--tag", env.Image, p.Dir)
		return env, []string{engine}, err
	})
	in.fresh = true
	return in, nil
}

// engine returns the program that runs containers here.
func (b *Builder) engine(ctx context.Context, p Project) (string, error) {
	without := "run the app without a container: 'ploomber-cloud up --entry FILE'"
	if b.Hosting {
		without = "deploy with the type of the app's framework"
	}
	problem := &platform.Problem{
		Reason: platform.ReasonUnsupported, Msg: "this project runs in a container, but neither docker nor podman is installed",
		Hint: "install docker or podman, or " + without,
	}
	for _, name := range []string{"docker", "podman"} {
		path, err := platform.FindProgram(b.Environ, name)
		if err != nil {
			continue
		}
		out, err := b.ask(ctx, p, path, "info")
		if err == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		lines := strings.Split(redact(out), "\n")
		problem = &platform.Problem{
			Reason: platform.ReasonUnsupported, Msg: path + " is installed but does not respond", Err: err,
			Hint: "start its service", Output: lines[max(0, len(lines)-5):],
		}
	}
	return "", problem
}
