package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// Options are what a Gateway needs. Fields whose comment does not say otherwise are required.
type Options struct {
	Domain string                              // apps are at <project ID>.Domain, whatever the port; lower case
	Public func(projectID string) *url.URL     // where users find a project: scheme, host and port
	Wake   func(context.Context, string) error // makes a project ready that is not; returns once it is, or why it is not
	Now    func() time.Time
	Random io.Reader    // cryptographically secure
	Log    *slog.Logger // nil logs nothing

	// Sessions is the file for the logins of all apps, whose folder must exist; "" keeps them in memory. It is opened for the
	// first request.
	Sessions string
	// Key encrypts the file, and is what the secrets of each login are derived from: 32 random bytes, the same ones after a
	// restart. Nil makes new ones, which ends all sessions.
	Key []byte

	ProviderTransport http.RoundTripper // for requests to login providers; nil for one that ignores HTTP_PROXY and the like
	BcryptCost        int               // 0 means password.DefaultCost
}

// Gateway is an http.Handler for all apps of a platform: it finds the project of a request, has its user log in, and passes
// the request on to the deployment that it belongs to. It is safe for concurrent use.
type Gateway struct {
	o     Options
	pages *pages.Pages
	store store

	// What the logins of all projects share.
	direct    *upstream.Direct
	issuers   *oidc.Issuers
	slots     *password.HashSlots
	templates *pages.Templates

	projects sync.Map     // ID to *project
	held     atomic.Int64 // requests that wait for an app

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	work    sync.WaitGroup
	closing sync.Once
}

var _ http.Handler = (*Gateway)(nil)

// New returns a gateway without projects. Close must be called at the end.
func New(o Options) (*Gateway, error) {
	if o.Domain == "" || o.Public == nil || o.Wake == nil || o.Now == nil || o.Random == nil {
		return nil, errors.New("gateway: Options lacks a required field")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Key == nil {
		o.Key = make([]byte, 32)
		if _, err := io.ReadFull(o.Random, o.Key); err != nil {
			return nil, err
		}
	}
	g := &Gateway{
		o: o, store: store{path: o.Sessions, key: o.Key, now: o.Now},
		direct: upstream.NewDirect(o.Now), slots: password.NewHashSlots(0), templates: pages.NewTemplates(),
		issuers: oidc.NewIssuers(oidc.IssuersOptions{Now: o.Now, Transport: o.ProviderTransport, Log: o.Log}),
	}
	g.pages = pages.New(g.templates, "", o.Now)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.work.Go(g.giveUpLogins)
	return g, nil
}

// ServeHTTP answers one request. It changes r.Header, which is the gateway's from here on.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, at := locate(r.Host, g.o.Domain)
	if at == anApp {
		if p, ok := g.projects.Load(id); ok {
			p.(*project).serve(w, r)
			return
		}
	}
	g.serveWithoutApp(w, r, at)
}

// serveWithoutApp answers a request that is for no app of the platform.
func (g *Gateway) serveWithoutApp(w http.ResponseWriter, r *http.Request, at place) {
	switch {
	case r.URL.Path == target.Style:
		g.pages.Style(w)
	case r.URL.Path == target.Icon:
		g.pages.Icon(w)
	case at == bareDomain && r.URL.Path == "/":
		g.pages.Say(w, r, pages.Message{Code: http.StatusOK, Title: "Apps are served here", Text: "Each one has an address of its own, which you get from its owner."})
	case at == bareDomain:
		g.pages.Say(w, r, pages.Message{Code: http.StatusNotFound, Title: "There is nothing here", Text: "Apps have addresses of their own."})
	default:
		g.pages.Say(w, r, pages.Message{Code: http.StatusNotFound, Title: "There is no app here", Text: "Check the address: it may be misspelt, or the app may have been deleted."})
	}
}

// Close ends all WebSockets and the work in the background. Requests in flight go on: end them before by
// http.Server.Shutdown.
func (g *Gateway) Close() error {
	g.closing.Do(func() {
		g.cancel()
		for _, p := range g.projects.Range {
			p.(*project).login.close()
		}
		g.work.Wait()
		g.direct.Close()
	})
	return g.store.close()
}
