package doctorcmd

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// project checks the configuration, and that the platform knows the project.
func (e *examination) project(ctx context.Context) {
	there, err := e.Folder.Initialised()
	if err == nil && !there {
		e.add(Warning, "project", "this folder is no project yet", "'ploomber-cloud up' needs none; to deploy, run 'ploomber-cloud init'")
		return
	}
	c, err := e.Folder.Load()
	if err != nil {
		e.failed("project", err, "")
		return
	}
	e.config = c
	e.add(OK, "project", fmt.Sprintf("%s (%s)", c.ID, c.Type), "")
	api, err := e.Connect()
	if e.Offline || err != nil || c.ID == "" {
		return
	}
	defer api.Close()
	ctx, cancel := e.patience(ctx)
	defer cancel()
	p, err := api.Project(ctx, c.ID)
	switch {
	case errors.Is(err, cloudapi.ErrNotFound):
		e.add(Problem, "deployment", "the platform knows no project "+c.ID+" of this key",
			"use the key of its owner, or make a project of your own with 'ploomber-cloud init --force'")
	case err == nil && len(p.Jobs) == 0:
		e.add(OK, "deployment", "the platform knows the project; it was never deployed", "")
	case err == nil:
		e.add(OK, "deployment", "the platform knows the project and a deployment of it", "")
	} // other failures are those of the account
}

func (e *examination) secretsFile(context.Context) {
	env, err := e.Folder.Env()
	if err != nil {
		e.failed("secrets", err, "")
		return
	}
	e.env = &env
	if !env.Exists {
		return
	}
	wrong := dotenv.Describe(flow.EnvName, env.Doubts(), func(file string, d dotenv.Doubt) string {
		return fmt.Sprintf("%s:%d %s", file, d.Line, d)
	})
	for _, doubt := range wrong {
		e.add(Warning, "secrets", doubt, "correct the line")
	}
	if e.private("secrets", env.Path) && len(wrong) == 0 {
		e.add(OK, "secrets", fmt.Sprintf("%s holds %s", flow.EnvName, count(len(env.Valued()), "secret")), "")
	}
}

// git warns where the secrets would be, or are, committed.
func (e *examination) git(ctx context.Context) {
	if e.env == nil || !e.env.Exists {
		return
	}
	inside, status, err := e.ask(ctx, "rev-parse", "--is-inside-work-tree")
	if err != nil || status != 0 || strings.TrimSpace(inside) != "true" {
		return // no git, or no repository: nothing is committed
	}
	if _, status, err := e.ask(ctx, "ls-files", "--error-unmatch", "--", flow.EnvName); err == nil && status == 0 {
		e.add(Warning, "git", flow.EnvName+" is in the repository, and with it the secrets",
			"run 'git rm --cached "+flow.EnvName+"', add it to .gitignore, and replace the secrets that were pushed")
		return
	}
	_, status, err = e.ask(ctx, "check-ignore", "--quiet", "--", flow.EnvName)
	switch {
	case err != nil || status > 1:
		e.add(Warning, "git", "git does not tell whether it ignores "+flow.EnvName, "see what 'git status' says")
	case status == 1:
		e.add(Warning, "git", "git does not ignore "+flow.EnvName+": the next commit may hold the secrets", "add it to .gitignore")
	default:
		e.add(OK, "git", flow.EnvName+" is ignored", "")
	}
}

// ask runs git without the programs that a repository's own settings could make it start.
func (e *examination) ask(ctx context.Context, args ...string) (string, int, error) {
	ctx, cancel := e.patience(ctx)
	defer cancel()
	return e.Run(ctx, "git", append([]string{"-c", "core.fsmonitor=false"}, args...)...)
}

// credentials checks what protects the deployed app, and the secrets that it is to get.
func (e *examination) credentials(context.Context) {
	if e.config == nil || e.env == nil { // another check has told
		return
	}
	for _, f := range project.Features() {
		at := e.config.Credentials(f)
		if at == nil {
			continue
		}
		if _, err := e.env.Credentials(e.config, f, e.Environ); err != nil {
			e.failed("password", err, "")
			continue
		}
		if at.Literal() {
			e.add(Warning, "password", fmt.Sprintf("%s holds the credentials of %s in clear", e.configName(), f),
				fmt.Sprintf("run 'ploomber-cloud auth --add --feature %s', which keeps them in %s", f, flow.EnvName))
			continue
		}
		e.add(OK, "password", fmt.Sprintf("%s is protected", f), "")
	}
	if _, err := e.env.Secrets(e.config, e.Environ); err != nil {
		e.failed("secrets", err, "")
	}
	if e.env.ProtectsAPI() {
		e.add(Warning, "password", "the platform cannot protect the feature api; a deployment is refused",
			"run the app behind 'ploomber-cloud up', or 'ploomber-cloud auth --remove --feature api'")
	}
}

// login checks the variables from which the login in front of the app is made, all at once.
func (e *examination) login(context.Context) {
	told := func(c check) bool { return c.Name == "password" && c.Status == Problem }
	if e.config == nil || e.env == nil || slices.ContainsFunc(e.checks, told) { // the check of the secrets has told
		return
	}
	_, err := config.From(e.Folder.LoginSource(*e.env, e.config, e.Environ))
	var wrong *config.Error
	switch {
	case err == nil:
		e.add(OK, "login", "its settings are complete", "")
	case errors.Is(err, config.ErrUnprotected):
		e.add(OK, "login", "none: everyone may use the app", "")
	case errors.As(err, &wrong):
		for _, m := range wrong.Mistakes {
			e.add(Problem, "login", m.Error(), "correct it in "+flow.EnvName)
		}
	default:
		e.failed("login", err, "")
	}
}

func (e *examination) configName() string {
	path, err := e.Folder.ConfigPath()
	if err != nil {
		return project.FileName
	}
	return e.relative(path)
}

// found tells whether a program is there, and its first line about its version.
func (e *examination) found(ctx context.Context, program string, args ...string) (version string, ok bool) {
	ctx, cancel := e.patience(ctx)
	defer cancel()
	said, status, err := e.Run(ctx, program, args...)
	if errors.Is(err, exec.ErrNotFound) || err != nil && ctx.Err() == nil {
		return "", false
	}
	if status != 0 || err != nil {
		return program + ", which does not tell its version", true
	}
	version, _, _ = strings.Cut(strings.TrimSpace(said), "\n")
	return term.Printable(strings.TrimSpace(version)), true
}
