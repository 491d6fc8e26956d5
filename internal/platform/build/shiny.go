package build

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const installName = "install.R"

// satisfied ends with status 0 if install.R does nothing but install packages that are already there. Then
// running it, which may compile for many minutes, can be left out.
const satisfied = `asked <- character()
for (e in parse("install.R")) {
  plain <- is.call(e) && identical(e[[1]], quote(install.packages)) && length(e) >= 2
  what <- if (plain) e[[2]]
  if (is.call(what) && identical(what[[1]], quote(c))) what <- as.list(what)[-1]
  if (!plain || !all(vapply(as.list(what), is.character, NA))) quit(status = 10)
  asked <- c(asked, unlist(what))
}
if (!all(vapply(asked, requireNamespace, NA, quietly = TRUE))) quit(status = 10)`

// rInputs runs the project's install.R, where there is one, against a library of its own.
func (b *Builder) rInputs(ctx context.Context, p Project) (inputs, error) {
	rscript, err := platform.FindProgram(b.Environ, "Rscript")
	if err != nil {
		return inputs{}, &platform.Problem{
			Reason: platform.ReasonUnsupported, Msg: "R is not installed, or Rscript is not in PATH", Err: err, Hint: "install R with its shiny package",
		}
	}
	version, err := b.ask(ctx, p, rscript, "-e", "cat(R.version$platform, format(getRversion()), sep = '-')")
	if ctx.Err() != nil {
		return inputs{}, ctx.Err()
	}
	if err != nil {
		return inputs{}, &platform.Problem{Reason: platform.ReasonUnsupported, Msg: rscript + " does not work", Err: err}
	}
	script, err := os.ReadFile(filepath.Join(p.Dir, installName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return inputs{}, &platform.Problem{Reason: platform.ReasonBuild, Msg: "cannot read the project", Err: err}
	}
	key := "r-" + digest(rscript, version, string(script))
	return b.unresolved(p, key, func(ctx context.Context, dir string) (platform.Environment, []string, error) {
		return b.makeLibrary(ctx, p, rscript, script != nil, dir)
	}), nil
}

func (b *Builder) makeLibrary(ctx context.Context, p Project, rscript string, script bool, dir string) (platform.Environment, []string, error) {
	library := filepath.Join(dir, "library")
	if err := os.Mkdir(library, 0o700); err != nil {
		return platform.Environment{}, nil, err
	}
	libs := library // R puts new packages into the first; the user's own stay visible
	if own := platform.Lookup(b.Environ, "R_LIBS"); own != "" {
		libs += string(os.PathListSeparator) + own
	}
	env := platform.Environment{Program: rscript, Vars: map[string]string{"R_LIBS": libs}}
	inside := *b
	inside.Environ = platform.Environ(b.Environ, env.Vars)
	if script {
		if _, err := inside.ask(ctx, p, rscript, "-e", satisfied); err != nil && ctx.Err() == nil {
			b.step(platform.Building, "running %s", installName)
			if err := inside.run(ctx, p, "running "+installName, rscript, installName); err != nil {
				return platform.Environment{}, nil, err
			}
		}
	}
	_, err := inside.ask(ctx, p, rscript, "-e", "if (!requireNamespace('shiny', quietly = TRUE)) quit(status = 10)")
	if ctx.Err() != nil {
		return platform.Environment{}, nil, ctx.Err()
	}
	if err != nil {
		return platform.Environment{}, nil, &platform.Problem{
			Reason: platform.ReasonDependency, Msg: "the R package shiny is not installed",
			Hint: "add install.packages(\"shiny\") to " + installName,
		}
	}
	return env, []string{rscript, library}, nil
}
