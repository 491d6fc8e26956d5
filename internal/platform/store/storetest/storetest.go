// Package storetest holds the suite that every store of the platform must pass. It does not know any store.
package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Store is what a store of the platform does.
type Store interface {
	Users
	Projects
	Deployments
	Close() error
}

// Users are the accounts of the platform.
type Users interface {
	CreateUser(ctx context.Context, name string, tier platform.Tier) (u platform.User, key string, err error)
	User(ctx context.Context, name string) (platform.User, error)
	UserByKey(ctx context.Context, key string) (platform.User, error)
	Users(ctx context.Context) ([]platform.User, error)
	RotateUserKey(ctx context.Context, name string) (key string, err error)
	SetTier(ctx context.Context, name string, tier platform.Tier) error
	RemoveUser(ctx context.Context, name string) error
}

// Projects are apps with an address.
type Projects interface {
	CreateProject(ctx context.Context, owner platform.User, t platform.Framework, limit int) (platform.Project, error)
	Project(ctx context.Context, id string) (platform.Project, error)
	Projects(ctx context.Context, ownerID string) ([]platform.Project, error)
	SetLabels(ctx context.Context, id string, labels []string) error
	SetSleep(ctx context.Context, id string, sleep platform.Sleep) error
	SetStopped(ctx context.Context, id string, stopped bool) error
	SetCurrent(ctx context.Context, id, deploymentID string) error
	DeleteProject(ctx context.Context, id string) error
}

// Deployments are the versions of projects.
type Deployments interface {
	Submit(ctx context.Context, sub platform.Submission) (d platform.Deployment, repeated bool, err error)
	Deployment(ctx context.Context, id string) (platform.Deployment, error)
	Deployments(ctx context.Context, projectID string) ([]platform.Deployment, error)
	Latest(ctx context.Context, projectID string) (platform.Deployment, error)
	LatestOf(ctx context.Context, ownerID string) (map[string]platform.Deployment, error)
	SetStatus(ctx context.Context, deploymentID string, status platform.Status) (platform.Deployment, error)
	DropOld(ctx context.Context, keep int) ([]platform.Deployment, error)
	Secrets(ctx context.Context, deploymentID string) (platform.Secrets, error)
	SecretDigests(ctx context.Context, deploymentID string) (map[string]string, error)
	RotateKey(ctx context.Context) error
	Archives(ctx context.Context) (map[string]bool, error)
	Locks(ctx context.Context) (map[string]bool, error)
}

// Epoch is what the clock of a store under test shows.
var Epoch = time.Date(2030, 1, 2, 3, 4, 5, 678_901_000, time.UTC)

// Run checks the stores that open returns: an empty one, with a clock that stands at Epoch, at each call.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, check := range map[string]func(s *suite){
		"a user is found by name and key":                   users,
		"a user name is taken once":                         userNames,
		"a rotated API key replaces the old one":            userKeys,
		"tiers change, except the owner's":                  tiers,
		"projects of a removed user pass to the owner":      removedUser,
		"a project comes back as it was made":               project,
		"settings of a project":                             projectSettings,
		"the limit of projects holds under load":            projectLimit,
		"projects are listed by owner":                      projectLists,
		"a deployment comes back as it was submitted":       deployment,
		"deployments are numbered in their project":         numbers,
		"the newest deployments of a user":                  latestOf,
		"numbers are not used again":                        numbersAfterDrop,
		"a repeated request makes no second deployment":     requests,
		"a rollback repeats a deployment that exists":       rollback,
		"a request is repeated by many at once":             requestsAtOnce,
		"the current deployment belongs to the project":     current,
		"the state machine is the one of the domain":        states,
		"a status comes back as it was set":                 status,
		"one of two conflicting changes of state wins":      statesAtOnce,
		"old deployments are dropped":                       dropOld,
		"secrets survive the rotation of their key":         rotateKey,
		"secret digests tell what changed":                  digests,
		"a deleted project leaves nothing":                  deleteProject,
		"what does not exist is not found":                  notFound,
		"what was removed does not come back by a late use": late,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := open(t)
			check(&suite{T: t, Store: st, ctx: context.Background()})
			if err := st.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// suite is one check, with helpers that end it on an error.
type suite struct {
	*testing.T
	Store
	ctx context.Context
}

// must fails a check that cannot continue.
func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// wantErr checks that err wraps want.
func (s *suite) wantErr(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("%s: error %v, want one that wraps %q", what, err, want)
	}
}

func (s *suite) user(name string, tier platform.Tier) platform.User {
	s.Helper()
	u, _, err := s.CreateUser(s.ctx, name, tier)
	s.must(err)
	return u
}

// project makes a project of the platform's owner.
func (s *suite) project() platform.Project {
	s.Helper()
	owner, err := s.User(s.ctx, platform.OwnerName)
	if errors.Is(err, platform.ErrNotFound) {
		owner, err = s.user(platform.OwnerName, platform.Owner), nil
	}
	s.must(err)
	p, err := s.CreateProject(s.ctx, owner, platform.Streamlit, 0)
	s.must(err)
	return p
}

// submission is one with a value in each field.
func submission(projectID string) platform.Submission {
	return platform.Submission{
		Project: projectID,
		Release: platform.Release{
			Type: platform.Dash, By: "ann", Message: "fix \"the\" <b>page</b>\n\x1b[31m", Archive: "archive-1", Size: 12_345_678_901,
			Resources: platform.Resources{CPU: 0.5, RAM: 2, GPU: 1}, Template: "node-auth0",
		},
		Secrets: platform.Secrets{
			Variables: []platform.Variable{{Name: "TOKEN", Value: "s3cret\x00\n\"é"}, {Name: "A", Value: ""}},
			Login:     &platform.Credentials{Username: "ann", Password: "p"},
		},
		Labels: []string{"b", "a", "<script>"},
	}
}

func (s *suite) submit(sub platform.Submission) platform.Deployment {
	s.Helper()
	d, repeated, err := s.Submit(s.ctx, sub)
	s.must(err)
	if repeated {
		s.Fatalf("deployment %d is a repeated one", d.Number)
	}
	return d
}

// to moves a deployment through states.
func (s *suite) to(d platform.Deployment, states ...platform.State) platform.Deployment {
	s.Helper()
	for _, state := range states {
		var err error
		d, err = s.SetStatus(s.ctx, d.ID, platform.Status{State: state})
		s.must(err)
	}
	return d
}

// wantNumbers checks which deployments a list has.
func (s *suite) wantNumbers(what string, list []platform.Deployment, want ...int) {
	s.Helper()
	var got []int
	for _, d := range list {
		got = append(got, d.Number)
	}
	if !slices.Equal(got, want) {
		s.Errorf("%s: deployments %v, want %v", what, got, want)
	}
}
