// Package scheduler moves deployments through their states: it builds what is queued, starts it, puts it in the place of
// the deployment before, restarts what has crashed, lets unused apps sleep and wakes them. It does not know how an app is
// built, run, stored or served.
package scheduler

import (
	"context"
	"log/slog"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Store keeps projects and deployments. What it has accepted is durable.
type Store interface {
	Projects
	Deployments
}

// Projects is the part of Store about projects.
type Projects interface {
	Projects(ctx context.Context, owner string) ([]platform.Project, error) // "" for those of all owners
	Project(ctx context.Context, id string) (platform.Project, error)
	SetCurrent(ctx context.Context, id, deployment string) error
	SetStopped(ctx context.Context, id string, stopped bool) error
	DeleteProject(ctx context.Context, id string) error
}

// Deployments is the part of Store about deployments. SetStatus refuses a transition that the state machine does not
// have.
type Deployments interface {
	Submit(ctx context.Context, s platform.Submission) (d platform.Deployment, repeated bool, err error)
	Deployments(ctx context.Context, project string) ([]platform.Deployment, error) // newest first
	Secrets(ctx context.Context, deployment string) (platform.Secrets, error)
	SetStatus(ctx context.Context, deployment string, s platform.Status) (platform.Deployment, error)
}

// Runner builds and runs deployments. Its errors are a *platform.Problem if the deployment is at fault.
type Runner interface {
	// Build prepares everything that d needs to start, and returns the digest of its resolved requirements.
	Build(ctx context.Context, d platform.Deployment) (lock string, err error)
	// Start starts the app of d, which has been built, and returns once it responds. After an error nothing of it runs.
	Start(ctx context.Context, d platform.Deployment) (Instance, error)
	// Find returns the instance of d that was started by an earlier process. The error wraps fs.ErrNotExist if there is none.
	Find(d platform.Deployment) (Instance, error)
	// Discard removes the files of a project that has been deleted.
	Discard(project string, ds []platform.Deployment) error
}

// Instance is a running app. It outlives the platform.
type Instance interface {
	URL() *url.URL
	Base() string          // path below which it serves; "" for the root
	Done() <-chan struct{} // closed when nothing of it runs any more
	Err() error            // why it ended, once Done is closed
	Stop(grace time.Duration)
	Freeze() error // its processes get no CPU time until Thaw
	Thaw() error
}

// Router sends users to deployments.
type Router interface {
	Route(r Route) error    // replaces the route of the project at once
	Remove(project string)  // closes its connections
	Drop(deployment string) // closes the connections to one deployment
	Activity(project string) []Activity
}

// Route says who serves a project.
type Route struct {
	Project  platform.Project
	Status   platform.Status // tells users why nothing serves; zero if nothing was deployed
	Current  *Served         // nil if nothing serves
	Draining []Served        // serve the sessions that began with them; newest first
}

// Served is a deployment that serves users.
type Served struct {
	Deployment platform.Deployment
	Instance   Instance // nil while it is asleep or starting
	Ready      bool     // otherwise Wake has to be called before it gets a request
}

// Activity is the use of one deployment.
type Activity struct {
	Deployment string
	Requests   int       // in flight
	Sockets    int       // open WebSockets and event streams
	LastUse    time.Time // last request, or last message of a client on a socket
}

// Options are what a Scheduler needs. Zero durations and numbers mean the defaults below.
type Options struct {
	Store  Store
	Runner Runner
	Router Router
	Now    func() time.Time
	Log    *slog.Logger

	// Freezes says how an app of a type may be frozen.
	Freezes func(platform.Framework) platform.Freezing

	SleepAfter  time.Duration             // a project without a setting of its own: 15 minutes
	Backoff     func(n int) time.Duration // pause after the n-th crash in a row: 1 s, doubling, at most 30 s
	MaxCrashes  int                       // in a row before giving up: 5
	Starts      int                       // apps that start at the same time: one for each core
	Grace       time.Duration             // between the request to stop and a kill: 5 s
	DrainLimit  time.Duration             // a replaced deployment keeps its sessions at most so long: 24 hours
	DrainIdle   time.Duration             // and ends once it has had no connection for so long: 30 s
	StableAfter time.Duration             // an app that ran so long has not crashed in a row: 1 minute
	Tick        time.Duration             // between two looks for unused apps: 5 s
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	set(&o.SleepAfter, 15*time.Minute)
	set(&o.Grace, 5*time.Second)
	set(&o.DrainLimit, 24*time.Hour)
	set(&o.DrainIdle, 30*time.Second)
	set(&o.StableAfter, time.Minute)
	set(&o.Tick, 5*time.Second)
	if o.MaxCrashes == 0 {
		o.MaxCrashes = 5
	}
	if o.Starts == 0 {
		o.Starts = runtime.NumCPU()
	}
	if o.Backoff == nil {
		o.Backoff = func(n int) time.Duration { return min(time.Second<<min(n-1, 5), 30*time.Second) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Freezes == nil {
		o.Freezes = func(platform.Framework) platform.Freezing { return platform.FreezeNever }
	}
	return o
}

// Scheduler runs the projects of a platform. Its methods are safe for concurrent use.
type Scheduler struct {
	o      Options
	queue  *queue
	starts chan struct{} // one element for each app that is starting

	ctx   context.Context // ends with Close
	close context.CancelFunc
	work  sync.WaitGroup

	mu       sync.Mutex
	projects map[string]*project
}

// New returns a scheduler. Call Restore before anything else, and Close at the end.
func New(o Options) *Scheduler {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	return &Scheduler{
		o: o, queue: newQueue(), starts: make(chan struct{}, o.Starts),
		ctx: ctx, close: cancel, projects: map[string]*project{},
	}
}

// Close ends builds and starts under way, which begin again at the next start of the platform. Apps go on running.
func (s *Scheduler) Close() {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.queue.close()
	s.work.Wait()
}

// goes runs f in the background and reports true, unless the scheduler is closed. Close waits for it.
func (s *Scheduler) goes(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.work.Go(f)
	return true
}

// project returns the project with an ID, loading it when it is first needed. The error wraps platform.ErrNotFound.
func (s *Scheduler) project(ctx context.Context, id string) (*project, error) {
	s.mu.Lock()
	p := s.projects[id]
	s.mu.Unlock()
	if p != nil {
		return p, nil
	}
	stored, err := s.o.Store.Project(ctx, id)
	if err != nil {
		return nil, err
	}
	ds, err := s.o.Store.Deployments(ctx, id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.projects[id] == nil { // another request may have been faster
		s.projects[id] = s.load(stored, ds)
	}
	return s.projects[id], nil
}

// forget removes a deleted project.
func (s *Scheduler) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.projects, id)
}

// all returns the projects that have been loaded.
func (s *Scheduler) all() []*project {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*project, 0, len(s.projects))
	for _, p := range s.projects {
		all = append(all, p)
	}
	return all
}

// States returns the state of each project that has a deployment, as its users see it.
func (s *Scheduler) States() []platform.State {
	var states []platform.State
	for _, p := range s.all() {
		p.mu.Lock()
		if v := p.shown(); v != nil {
			states = append(states, v.d.State)
		}
		p.mu.Unlock()
	}
	return states
}
