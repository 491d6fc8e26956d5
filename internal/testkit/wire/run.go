package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Limits on one command; a hanging program is killed with everything it started.
const (
	timeLimit      = time.Minute
	heavyTimeLimit = 2 * time.Minute
)

// Program is what a case is run on.
type Program struct {
	Path    string
	Env     []string // beside what every command gets
	Environ []string // of the test's own process; a few names like PATH are taken from it
	Now     func() time.Time
	Limit   time.Duration // on one command; 0 for the usual one
}

// Seen is what one command did.
type Seen struct {
	Exit                   int
	TimedOut               bool
	Output                 string // standard output, then standard error
	Requests               []SeenRequest
	Project, ProjectBefore Tree
	Home, HomeBefore       Tree
	Outside                []string // files that appeared elsewhere
	env                    map[string]string
}

// Play runs the steps of a case in dir, an empty folder, and returns the differences from what each wants; a
// step that differs is the last. The error tells that the case could not be played.
func Play(ctx context.Context, p Program, c *Case, dir string) (differences []string, err error) {
	return play(ctx, p, c, dir, &Checker{Key: c.Key})
}

// PlayReference is Play for the reference tool: what it is known to do otherwise in every case is accepted.
func PlayReference(ctx context.Context, p Program, c *Case, dir string) (differences []string, err error) {
	return play(ctx, p, c, dir, &Checker{Key: c.Key, Reference: true})
}

func play(ctx context.Context, p Program, c *Case, dir string, check *Checker) (differences []string, err error) {
	where, err := newPlace(dir, c, p.Now())
	if err != nil {
		return nil, err
	}
	for i := range c.Steps {
		seen, err := run(ctx, p, c, &c.Steps[i], where)
		if err != nil {
			return nil, err
		}
		if found := check.Step(&c.Steps[i], seen); len(found) > 0 {
			found = append(found, "output:\n"+indent(seen.Output))
			if len(c.Steps) > 1 {
				found = append([]string{fmt.Sprintf("step %d, %s:", i+1, strings.Join(c.Steps[i].Args, " "))}, found...)
			}
			return found, nil
		}
	}
	return nil, nil
}

func run(ctx context.Context, p Program, c *Case, s *Step, where *place) (*Seen, error) {
	seen := &Seen{ProjectBefore: where.look(where.project), HomeBefore: where.look(where.home), env: s.Env}
	srv := serve(s.Replies, func() []string { return where.newIn(where.project, seen.ProjectBefore) })
	defer srv.http.Close()

	ctx, cancel := context.WithTimeout(ctx, limit(p, c))
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path, s.Args...)
	cmd.Dir, cmd.Stdin = where.project, strings.NewReader(s.Stdin)
	cmd.Env = environment(srv.http.URL, where.home, p, s.Env)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.WaitDelay = 2 * time.Second // for a child that keeps the output open
	ownGroup(cmd)
	err := cmd.Run()
	seen.TimedOut = ctx.Err() != nil
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !seen.TimedOut && !errors.Is(err, exec.ErrWaitDelay) {
		return nil, err
	}
	seen.Exit = cmd.ProcessState.ExitCode()
	seen.Requests = srv.requests()
	seen.Project, seen.Home = where.look(where.project), where.look(where.home)
	seen.Outside = where.outside()
	seen.Output = where.unfill(out.String() + errOut.String())
	return seen, nil
}

func limit(p Program, c *Case) time.Duration {
	switch {
	case p.Limit > 0:
		return p.Limit
	case c.Heavy():
		return heavyTimeLimit
	default:
		return timeLimit
	}
}

// environment is all that a command sees of the surroundings.
func environment(base, home string, p Program, step map[string]string) []string {
	env := []string{
		"HOME=" + home, "USERPROFILE=" + home, "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TERM=dumb", "NO_COLOR=1",
		"_PLOOMBER_CLOUD_ENV=local",
		"PLOOMBER_CLOUD_API_URL=" + base,
		"PLOOMBER_CLOUD_EXAMPLES_URL=" + base + examplesPath,
		"PLOOMBER_CLOUD_WORKFLOW_URL=" + base + workflowPath,
		"PLOOMBER_CLOUD_HF_URL=" + base,
		"PLOOMBER_CLOUD_POLL_INTERVAL=0.05",
		"PLOOMBER_STATS_ENABLED=false",
		"PLOOMBER_VERSION_CHECK_DISABLED=true",
	}
	for _, v := range p.Environ {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains([]string{"PATH", "SYSTEMROOT", "TMPDIR", "TEMP"}, strings.ToUpper(name)) {
			env = append(env, v)
		}
	}
	env = append(env, p.Env...)
	for k, v := range step {
		env = append(env, k+"="+v)
	}
	return env
}

func indent(text string) string {
	return "    | " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    | ")
}
