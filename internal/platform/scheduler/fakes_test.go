package scheduler

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// memory is a Store that checks each transition, as the real one does.
type memory struct {
	t  *testing.T
	mu sync.Mutex

	projects    map[string]platform.Project
	deployments map[string][]platform.Deployment // oldest first
	secrets     map[string]platform.Secrets
}

func newMemory(t *testing.T, projects ...string) *memory {
	m := &memory{t: t, projects: map[string]platform.Project{}, deployments: map[string][]platform.Deployment{}, secrets: map[string]platform.Secrets{}}
	for _, id := range projects {
		m.projects[id] = platform.Project{ID: id, Type: platform.Streamlit}
	}
	return m
}

func (m *memory) Projects(context.Context, string) (all []platform.Project, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.projects {
		all = append(all, p)
	}
	return all, nil
}

func (m *memory) Project(_ context.Context, id string) (platform.Project, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.projects[id]
	if !ok {
		return p, platform.ErrNotFound
	}
	return p, nil
}

func (m *memory) edit(id string, edit func(*platform.Project)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.projects[id]
	if !ok {
		return platform.ErrNotFound
	}
	edit(&p)
	m.projects[id] = p
	return nil
}

func (m *memory) SetCurrent(_ context.Context, id, deployment string) error {
	return m.edit(id, func(p *platform.Project) { p.Current = deployment })
}

func (m *memory) SetStopped(_ context.Context, id string, stopped bool) error {
	return m.edit(id, func(p *platform.Project) { p.Stopped = stopped })
}

func (m *memory) DeleteProject(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.projects[id]; !ok {
		return platform.ErrNotFound
	}
	delete(m.projects, id)
	delete(m.deployments, id)
	return nil
}

func (m *memory) Submit(_ context.Context, s platform.Submission) (platform.Deployment, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.deployments[s.Project]) + 1
	d := platform.Deployment{
		ID: fmt.Sprintf("%s/%d", s.Project, n), Project: s.Project, Number: n, Created: time.Now(), Release: s.Release,
		Status: platform.Status{State: platform.StateQueued, Changed: time.Now(), Lock: s.Lock},
	}
	d.Type = platform.Streamlit
	m.deployments[s.Project] = append(m.deployments[s.Project], d)
	m.secrets[d.ID] = s.Secrets
	return d, false, nil
}

func (m *memory) Deployments(_ context.Context, project string) ([]platform.Deployment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ds := slices.Clone(m.deployments[project])
	slices.Reverse(ds)
	return ds, nil
}

func (m *memory) Secrets(_ context.Context, deployment string) (platform.Secrets, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.secrets[deployment], nil
}

func (m *memory) SetStatus(_ context.Context, id string, s platform.Status) (platform.Deployment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ds := range m.deployments {
		for i := range ds {
			if ds[i].ID != id {
				continue
			}
			if !ds[i].State.CanBecome(s.State) {
				m.t.Errorf("%s: %s cannot become %s", id, ds[i].State, s.State)
				return ds[i], platform.ErrState
			}
			ds[i].Status = s
			return ds[i], nil
		}
	}
	m.t.Errorf("%s is in no project", id)
	return platform.Deployment{}, platform.ErrNotFound
}

// states returns the states of a project's deployments, oldest first.
func (m *memory) states(project string) (states []platform.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.deployments[project] {
		states = append(states, d.State)
	}
	return states
}

// machine is a Runner whose builds and starts take a second, and the apps that run on it.
type machine struct {
	mu       sync.Mutex
	apps     map[string]*app // by deployment
	buildErr map[string]error
	startErr map[string]error
	builds   []string
	starts   []string
	building int
	starting map[string]bool
	most     int  // builds at the same time
	stubborn bool // a start takes long, and does not end with its context
}

func newMachine() *machine {
	return &machine{apps: map[string]*app{}, buildErr: map[string]error{}, startErr: map[string]error{}, starting: map[string]bool{}}
}

func (m *machine) failBuild(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buildErr[id] = err
}

func (m *machine) failStart(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.startErr[id] = err
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *machine) Build(ctx context.Context, d platform.Deployment) (string, error) {
	m.mu.Lock()
	m.builds = append(m.builds, d.ID)
	m.building++
	m.most = max(m.most, m.building)
	err := m.buildErr[d.ID]
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.building--; m.mu.Unlock() }()
	if waited := pause(ctx); waited != nil {
		return "", waited
	}
	if d.Lock != "" {
		return d.Lock, err
	}
	return "lock of " + d.ID, err
}

func (m *machine) Start(ctx context.Context, d platform.Deployment) (Instance, error) {
	m.mu.Lock()
	m.starts = append(m.starts, d.ID)
	err := m.startErr[d.ID]
	if m.starting[d.ID] || m.apps[d.ID] != nil && !m.apps[d.ID].over() {
		panic("two instances of " + d.ID)
	}
	m.starting[d.ID] = true
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.starting[d.ID] = false; m.mu.Unlock() }()
	if m.stubborn {
		ctx = context.Background()
		time.Sleep(3 * time.Second)
	}
	if waited := pause(ctx); waited != nil {
		return nil, waited
	}
	if err != nil {
		return nil, err
	}
	a := &app{done: make(chan struct{})}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apps[d.ID] = a
	return a, nil
}

func (m *machine) Find(d platform.Deployment) (Instance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.apps[d.ID]; a != nil && !a.over() {
		return a, nil
	}
	return nil, fs.ErrNotExist
}

func (m *machine) Discard(string, []platform.Deployment) error { return nil }

func (m *machine) started() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.starts)
}

func (m *machine) app(d string) *app {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apps[d]
}

func (m *machine) running() (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, a := range m.apps {
		if !a.over() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

type app struct {
	mu     sync.Mutex
	done   chan struct{}
	err    error
	frozen bool
}

func (a *app) URL() *url.URL         { return &url.URL{Scheme: "http", Host: "127.0.0.1:1"} }
func (a *app) Base() string          { return "" }
func (a *app) Done() <-chan struct{} { return a.done }
func (a *app) Err() error            { return a.err }
func (a *app) Stop(time.Duration)    { time.Sleep(time.Second); a.end(nil) }
func (a *app) Freeze() error         { a.mu.Lock(); defer a.mu.Unlock(); a.frozen = true; return nil }
func (a *app) Thaw() error           { a.mu.Lock(); defer a.mu.Unlock(); a.frozen = false; return nil }

func (a *app) isFrozen() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.frozen }

func (a *app) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.done:
	default:
		a.err = err
		close(a.done)
	}
}

func (a *app) over() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// switchboard is a Router.
type switchboard struct {
	mu     sync.Mutex
	routes map[string]Route
	use    map[string]Activity // by deployment
	drops  []string
}

func newSwitchboard() *switchboard {
	return &switchboard{routes: map[string]Route{}, use: map[string]Activity{}}
}

func (b *switchboard) Route(r Route) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[r.Project.ID] = r
	return nil
}

func (b *switchboard) Remove(project string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.routes, project)
}

func (b *switchboard) Drop(deployment string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drops = append(b.drops, deployment)
}

func (b *switchboard) Activity(project string) (all []Activity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, a := range b.use {
		if strings.HasPrefix(id, project+"/") {
			a.Deployment = id
			all = append(all, a)
		}
	}
	return all
}

func (b *switchboard) set(deployment string, a Activity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.use[deployment] = a
}

func (b *switchboard) dropped(deployment string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.drops, deployment)
}

func (b *switchboard) route(project string) (Route, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.routes[project]
	return r, ok
}
