package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/cli/democmd"
	"github.com/ploomber/ploomber-cloud/internal/cli/platformcmd"
	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// demoPlatform is a platform that ends with the demo.
type demoPlatform struct {
	env  *env
	data string
	*localcloud.Platform
}

var _ democmd.Platform = (*demoPlatform)(nil)

// startDemo starts a platform in the folder data. Environments of apps are kept in the cache, for the next demo.
func (e *env) startDemo(ctx context.Context, data string, port int) (democmd.Platform, error) {
	cache, err := e.cacheDir()
	if err != nil {
		return nil, failure.Failedf("cannot determine the folder for the app's environment: %w", err)
	}
	if _, err := os.Stat(cache); err != nil {
		e.io.Err.Note("The app's packages are downloaded once: about 140 MB for the default example, 450 MB on disk.\n" +
			"'ploomber-cloud cache' lists and removes them.")
	}
	log := slog.New(slog.DiscardHandler)
	if e.flags.verbose {
		log = term.NewLogger(e.io.Err, term.LogOptions{Level: slog.LevelDebug})
	}
	o := localcloud.ServeOptions{
		Data: data, Environments: cache, API: anyPort, Apps: localcloud.DefaultAddress, Dashboard: anyPort, Domain: "localhost",
		Environ: e.system.Environ(), Entry: flow.EntryKey, Version: e.versionName(), Now: e.system.Now, Random: rand.Reader, Log: log,
	}
	if port != 0 {
		o.Apps = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	p, err := localcloud.Serve(ctx, o)
	if port == 0 && errors.Is(err, platform.ErrTaken) {
		o.Apps = anyPort
		p, err = localcloud.Serve(ctx, o)
	}
	if err != nil {
		return nil, platformcmd.Explain(err)
	}
	return &demoPlatform{env: e, data: data, Platform: p}, nil
}

// anyPort is a free port of this machine alone.
const anyPort = "127.0.0.1:0"

// connect returns a client of the platform's API, with the key of its owner.
func (d *demoPlatform) connect() (*cloudapi.Client, error) {
	key, err := d.OwnerKey()
	if err != nil {
		return nil, err
	}
	o, err := d.env.client(d.Addresses().API, key)
	return cloudapi.New(o), err
}

// Create implements democmd.Platform.
func (d *demoPlatform) Create(ctx context.Context, framework string) (id, url string, err error) {
	api, err := d.connect()
	if err != nil {
		return "", "", err
	}
	created, err := api.CreateProject(ctx, framework)
	if err != nil {
		return "", "", err
	}
	return created.ID, d.AppURL(created.ID), nil
}

// demoPoll is the time between two looks at the deployment.
const demoPoll = 500 * time.Millisecond

// Deploy implements democmd.Platform.
func (d *demoPlatform) Deploy(ctx context.Context, dir string) error {
	deploy := d.env.deploy()
	deploy.Folder, deploy.Connect = flow.Folder{Dir: dir}, d.connect
	p, err := deploy.Prepare(ctx)
	if err != nil {
		return err
	}
	sent, err := deploy.Send(ctx, p)
	if err != nil {
		return err
	}
	api, err := d.connect()
	if err != nil {
		return err
	}
	_, err = dialog.Follow(ctx, d.env.io.Err, &flow.Watcher{
		API: api, Interval: demoPoll, Timeout: flow.DefaultTimeout, Now: d.env.system.Now, Sleep: httpclient.Sleep, Known: true,
	}, flow.Job{ProjectID: sent.ProjectID, ID: sent.ID})
	return err
}

// Close ends the platform and its apps.
func (d *demoPlatform) Close() {
	d.Platform.Close()
	if _, err := localcloud.StopApps(d.data); err != nil {
		d.env.io.Err.Warn("the demo's app may still run: %v", err)
	}
}
