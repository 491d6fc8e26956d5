package localcloud

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/archive"
	"github.com/ploomber/ploomber-cloud/internal/platform/build"
	"github.com/ploomber/ploomber-cloud/internal/platform/gateway"
	"github.com/ploomber/ploomber-cloud/internal/platform/logs"
	"github.com/ploomber/ploomber-cloud/internal/platform/scheduler"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// ServeOptions says how to serve a platform.
type ServeOptions struct {
	Data                 string        // folder of everything that the platform keeps; made if missing
	Environments         string        // folder of the environments of apps, which is shared with others; "" for one in Data
	API, Apps, Dashboard string        // "host:port" to listen on
	Private              string        // "host:port" of health and metrics; "" for none
	Domain               string        // apps are at <project>.<Domain>
	Public               Public        // addresses that differ from those of the listeners
	TLS                  *tls.Config   // for all listeners but the private one; nil serves http
	SleepAfter           time.Duration // of projects that do not set it; 0 means never

	Environ []string // the platform's variables, NAME=value; PATH finds python, docker and R
	Entry   string   // name of the variable by which a project names the file to start
	Version string
	Now     func() time.Time
	Random  io.Reader
	Log     *slog.Logger
}

// Platform is a running platform.
type Platform struct {
	o         ServeOptions
	folder    folder
	lock      *flock.Flock
	store     *store.Store
	gateway   *gateway.Gateway
	runner    *runner
	scheduler *scheduler.Scheduler
	listeners [4]*gateway.Listener // nil for the private one if there is none
	servers   [4]*server.Server
	stop      context.CancelFunc // of what runs in the background
}

// The servers of a platform.
const (
	apiServer = iota
	appsServer
	dashboardServer
	privateServer
)

// Serve starts a platform, and returns once it serves. Apps that an earlier run has left are found again. The error is a
// *platform.Problem if the user can fix it. Close must be called at the end.
func Serve(ctx context.Context, o ServeOptions) (_ *Platform, err error) {
	p := &Platform{o: o}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.folder, err = openFolder(o.Data); err != nil {
		return nil, err
	}
	if p.lock, err = p.folder.lock(); err != nil {
		return nil, err
	}
	if err := p.folder.writePid(); err != nil { // on a full disk the platform still serves what it has
		o.Log.Warn("'platform stop' will not find this platform", slog.Any("error", err))
	}
	if p.store, err = store.Open(ctx, store.Options{Dir: string(p.folder), Now: o.Now, Random: o.Random}); err != nil {
		return nil, err
	}
	if err = p.folder.ensureOwner(ctx, p.store); err != nil {
		return nil, err
	}
	archives, err := archive.Open(p.folder.archives(), o.Now)
	if err != nil {
		return nil, err
	}
	if err = p.listen(ctx); err != nil {
		return nil, err
	}
	if err = p.openGateway(); err != nil {
		return nil, err
	}
	p.runner = &runner{
		folder: p.folder, store: p.store, archives: archives, logs: logs.New(p.folder.join("logs"), o.Now), environ: o.Environ, now: o.Now,
		isolate: p.folder.isolation(), entry: o.Entry, public: p.AppURL, followers: map[string]*follower{},
		builder: build.Builder{
			CacheDir: cmp.Or(o.Environments, p.folder.environments()), Hosting: o.Environments == "", Environ: o.Environ, Now: o.Now, Run: supervise.Run,
		},
	}
	p.reportIsolation()
	p.scheduler = scheduler.New(scheduler.Options{
		Store: p.store, Runner: p.runner, Now: o.Now, Log: o.Log, SleepAfter: o.SleepAfter, Freezes: freezing,
		Router: &router{gateway: p.gateway, store: p.store, folder: p.folder, logins: map[string]deploymentLogin{}},
	})
	if err = p.removeOrphans(ctx); err != nil {
		return nil, err
	}
	if err = p.scheduler.Restore(ctx); err != nil {
		return nil, err
	}
	api, err := p.api(archives)
	if err != nil {
		return nil, err
	}
	pages, err := p.dashboard()
	if err != nil {
		return nil, err
	}
	p.serve(apiServer, api, nil)
	p.serve(appsServer, p.gateway, authproxy.ConnContext)
	p.serve(dashboardServer, pages, nil)
	if p.listeners[privateServer] != nil {
		p.serve(privateServer, p.privateHandler(), nil)
	}
	background, stop := context.WithCancel(context.Background())
	p.stop = stop
	go p.keepHouse(background, archives)
	return p, nil
}

// listen takes the three addresses.
func (p *Platform) listen(ctx context.Context) error {
	for i, s := range [...]struct{ address, flag string }{
		apiServer: {p.o.API, "--api-listen"}, appsServer: {p.o.Apps, "--apps-listen"}, dashboardServer: {p.o.Dashboard, "--dashboard-listen"},
		privateServer: {p.o.Private, "--private-listen"},
	} {
		if s.address == "" {
			continue
		}
		if strings.HasPrefix(s.address, ":") {
			s.address = "0.0.0.0" + s.address // as net.Listen does: IPv6 too
		}
		l, err := gateway.Listen(ctx, s.address)
		var problem *platform.Problem
		if errors.As(err, &problem) {
			return &platform.Problem{Msg: problem.Msg, Err: problem.Err, Hint: "choose another address with " + s.flag}
		}
		if err != nil {
			return err
		}
		p.listeners[i] = l
	}
	return nil
}

// openGateway makes the gateway, which calls the scheduler once a request needs it.
func (p *Platform) openGateway() error {
	key, err := p.folder.sessionKey(p.o.Random)
	if err != nil {
		return err
	}
	p.gateway, err = gateway.New(gateway.Options{
		Domain: p.o.Domain, Public: p.appURL, Now: p.o.Now, Random: p.o.Random, Log: p.o.Log, Sessions: p.folder.sessions(), Key: key,
		Wake: func(ctx context.Context, project string) error { return p.scheduler.Wake(ctx, project) },
	})
	return err
}

// serve starts a server on its listener.
func (p *Platform) serve(i int, handler http.Handler, connContext func(context.Context, net.Conn) context.Context) {
	secure := p.o.TLS
	if i == privateServer {
		secure = nil
	}
	p.servers[i] = server.Serve(p.listeners[i].Listener, server.Options{
		Handler: handler, Now: p.o.Now, ConnContext: connContext, TLS: secure, Log: p.o.Log,
	})
}

// OwnerKey returns the API key of the platform's owner.
func (p *Platform) OwnerKey() (string, error) { return p.folder.readOwnerKey() }

// ownerKey is the hash of the owner's key, by which the platform proves who it is.
func (p *Platform) ownerKey() ([sha256.Size]byte, error) {
	key, err := p.OwnerKey()
	return platform.KeyHash(key), err
}

// Wait blocks until ctx ends or a server fails, and returns the reason.
func (p *Platform) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.servers[apiServer].Done():
		return p.servers[apiServer].Err()
	case <-p.servers[appsServer].Done():
		return p.servers[appsServer].Err()
	case <-p.servers[dashboardServer].Done():
		return p.servers[dashboardServer].Err()
	}
}

// shutdownTimeout is how long requests in flight may take once the platform stops.
const shutdownTimeout = 5 * time.Second

// Close ends the platform: it accepts no new requests, waits for those in flight or cuts them, and lets go of the apps, which
// go on running.
func (p *Platform) Close() {
	p.shutdown()
	if p.stop != nil {
		p.stop()
	}
	if p.scheduler != nil {
		p.scheduler.Close()
	}
	if p.gateway != nil {
		_ = p.gateway.Close()
	}
	if p.runner != nil {
		p.runner.stopFollowing()
		p.runner.isolate.Close()
	}
	if p.store != nil {
		_ = p.store.Close()
	}
	if p.lock != nil {
		_ = p.lock.Unlock()
	}
}

// reportIsolation tells what this machine does not do to keep apps from each other.
func (p *Platform) reportIsolation() {
	for _, m := range p.runner.isolate.Level() {
		if !m.InForce {
			p.o.Log.Info("apps are not isolated in one way", "missing", m.Name, "reason", m.Detail)
		}
	}
}

// shutdown ends the servers that have been started, and closes the listeners of the others.
func (p *Platform) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var ending sync.WaitGroup
	for i, l := range p.listeners {
		if s := p.servers[i]; s != nil {
			ending.Go(func() { _ = s.Shutdown(ctx) }) // what is cut has had its time
		} else if l != nil {
			_ = l.Close()
		}
	}
	ending.Wait()
}
