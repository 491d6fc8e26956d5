package build

import (
	"context"
	"encoding/json"
	"path"
	"path/filepath"
	"time"
)

// pythonInputs reads the requirements of a project.
func (b *Builder) pythonInputs(ctx context.Context, p Project) (inputs, error) {
	r, inside, err := b.inspectAll(ctx, p)
	if err != nil {
		return inputs{}, err
	}
	in := inputs{warnings: r.Warnings}
	if in.digest, err = b.inputsOf(p, r); err != nil {
		return inputs{}, err
	}
	in.make = func(ctx context.Context, key string) (string, error) {
		began := b.Now()
		v := venvBuild{Builder: b, outer: p, p: inside, r: r, inputs: in.digest}
		key, err := v.build(ctx, key)
		if err == nil && len(r.Local) > 0 {
			err = b.noteLeftovers(ctx, inside, r, key, began)
		}
		return key, err
	}
	return in, nil
}

// inputsOf returns a digest of everything that decides what a report's requirements resolve to.
func (b *Builder) inputsOf(p Project, r report) (string, error) {
	local, err := json.Marshal(r.Local)
	if err != nil {
		return "", err
	}
	mode := string(b.Installer)
	if b.Installer == Auto {
		mode = ""
	}
	parts := append([]string{p.Recipe.Package, p.Recipe.Supplied, r.Version, r.Platform, r.Path, mode, string(local)}, r.Parts...)
	return digest(parts...), nil
}

// noteLeftovers sees to it that files which the build of a local project left there, such as one with its version, do not
// make the next run build again: if the project is as it was but for files that came since, both states have one
// environment.
func (b *Builder) noteLeftovers(ctx context.Context, p Project, r report, key string, began time.Time) error {
	then, err := b.inputsOf(p, r)
	if err != nil {
		return err
	}
	after, err := b.inputsAt(ctx, p, r.python, time.Time{})
	if err != nil || after == then {
		return err
	}
	if before, err := b.inputsAt(ctx, p, r.python, began); err != nil || before != then {
		return err
	}
	return b.rememberResolved(after, key)
}

// inputsAt inspects a project again.
func (b *Builder) inputsAt(ctx context.Context, p Project, python string, before time.Time) (string, error) {
	r, err := b.inspectWith(ctx, p, python, before)
	if err != nil {
		return "", err
	}
	return b.inputsOf(p, r)
}

// inspectAll inspects the project, and where that does not say what it needs the folders from that of the app upwards. The
// project that it returns is in the folder that says it.
func (b *Builder) inspectAll(ctx context.Context, p Project) (report, Project, error) {
	want := wantedPython(p.Dir)
	r, err := b.inspect(ctx, p, want)
	for folder := path.Dir(filepath.ToSlash(p.Recipe.Entry)); err == nil && r.Guessed && folder != "." && folder != "/"; folder = path.Dir(folder) {
		below := p
		below.Dir = filepath.Join(p.Dir, filepath.FromSlash(folder))
		inside, err := b.inspect(ctx, below, want)
		if err != nil {
			return report{}, p, err
		}
		if !inside.Guessed {
			return inside, below, nil
		}
	}
	return r, p, err
}
