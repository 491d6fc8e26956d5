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
		e.add(Warning, "project", "this folder is not a project yet", "'ploomber-cloud up' needs none; to deploy, run 'ploomber-cloud init'")
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
		e.add(Problem, "deployment", "the platform does not have the project "+c.ID+" for this key",
			"use the key of its owner, or create your own project with 'ploomber-cloud init --force'")
	case err == nil && len(p.Jobs) == 0:
		e.add(OK, "deployment", "the platform has the project; it was never deployed", "")
	case err == nil:
		e.add(OK, "deployment", "the platform has the project and a deployment of it", "")
	} // other failures are reported by the account check
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

// git warns if the secrets would be committed, or already are.
func (e *examination) git(ctx context.Context) {
	if e.env == nil || !e.env.Exists {
		return
	}
	inside, status, err := e.ask(ctx, "rev-parse", "--is-inside-work-tree")
	if err != nil || status != 0 || strings.TrimSpace(inside) != "true" {
		return // git is missing, or this is not a repository: nothing is committed
	}
	if _, status, err := e.ask(ctx, "ls-files", "--error-unmatch", "--", flow.EnvName); err == nil && status == 0 {
		e.add(Warning, "git", flow.EnvName+" is in the repository, including the secrets",
			"run 'git rm --cached "+flow.EnvName+"', add it to .gitignore, and replace the secrets that were pushed")
		return
	}
	_, status, err = e.ask(ctx, "check-ignore", "--quiet", "--", flow.EnvName)
	switch {
	case err != nil || status > 1:
		e.add(Warning, "git", "cannot determine whether git ignores "+flow.EnvName, "check with 'git status'")
	case status == 1:
		e.add(Warning, "git", "git does not ignore "+flow.EnvName+": the next commit may include the secrets", "add it to .gitignore")
	default:
		e.add(OK, "git", flow.EnvName+" is ignored", "")
	}
}

// ask runs git with the programs disabled that a repository's own settings could start.
func (e *examination) ask(ctx context.Context, args ...string) (string, int, error) {
	ctx, cancel := e.patience(ctx)
	defer cancel()
	return e.Run(ctx, "git", append([]string{"-c", "core.fsmonitor=false"}, args...)...)
}

// credentials checks what protects the deployed app, and the secrets it will get.
func (e *examination) credentials(context.Context) {
	if e.config == nil || e.env == nil { // reported by another check
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
			e.add(Warning, "password", fmt.Sprintf("%s contains the credentials of %s in plain text", e.configName(), f),
				fmt.Sprintf("run 'ploomber-cloud auth --add --feature %s', which stores them in %s", f, flow.EnvName))
			continue
		}
		e.add(OK, "password", fmt.Sprintf("%s is protected", f), "")
	}
	if _, err := e.env.Secrets(e.config, e.Environ); err != nil {
		e.failed("secrets", err, "")
	}
	if e.env.ProtectsAPI() {
		e.add(Warning, "password", "the platform cannot protect the feature api; it refuses such a deployment",
			"run the app behind 'ploomber-cloud up', or 'ploomber-cloud auth --remove --feature api'")
	}
}

// login checks the variables that configure the login, all at once.
func (e *examination) login(context.Context) {
	told := func(c check) bool { return c.Name == "password" && c.Status == Problem }
	if e.env == nil || slices.ContainsFunc(e.checks, told) { // reported by another check
		return
	}
	c := e.config
	if c == nil {
		if there, err := e.Folder.Initialised(); there || err != nil { // an unusable project, likewise
			return
		}
		c = &project.Config{} // 'up' and 'proxy' need no project
	}
	_, err := config.From(e.Folder.LoginSource(*e.env, c, e.Environ))
	var wrong *config.Error
	switch {
	case err == nil:
		e.add(OK, "login", "the settings are complete", "")
	case errors.As(err, &wrong) && len(wrong.Mistakes) == 1 && errors.Is(err, config.ErrUnprotected):
		e.add(OK, "login", "none: 'ploomber-cloud up' requires one, or --dev-login or --public", "")
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

// found checks that a program is installed, and returns the first line of its version output.
func (e *examination) found(ctx context.Context, program string, args ...string) (version string, ok bool) {
	ctx, cancel := e.patience(ctx)
	defer cancel()
	said, status, err := e.Run(ctx, program, args...)
	if errors.Is(err, exec.ErrNotFound) || err != nil && ctx.Err() == nil {
		return "", false
	}
	if status != 0 || err != nil {
		return program + ", which does not print its version", true
	}
	version, _, _ = strings.Cut(strings.TrimSpace(said), "\n")
	return term.Printable(strings.TrimSpace(version)), true
}
