package build

import (
	"context"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// compile compiles an environment to bytecode: an app starts in half the time, and the folders of the environment need not
// be writable for that. Environments share the bytecode of files that are the same. A failure only costs time.
func (v *venvBuild) compile(ctx context.Context, python, bytecode string) error {
	v.step(platform.Building, "compiling the packages")
	inspector, err := v.inspectorPath()
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(inspector), "bytecode.py")
	err = v.runIn(ctx, v.p, v.environ(), "compiling", python, "-I", program, bytecode, v.bytecode())
	if err != nil && ctx.Err() == nil {
		v.notify(platform.Event{Phase: platform.Building, Message: "the packages could not be compiled, so the app starts more slowly", Warning: true})
	}
	return ctx.Err()
}

// bytecode holds the bytecode that environments share, by the digest of its source.
func (b *Builder) bytecode() string { return filepath.Join(b.downloads(), "bytecode") }
