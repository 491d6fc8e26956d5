package localcloud

import (
	"cmp"
	"net"
	"net/url"
)

// Public has the base URLs by which clients reach a platform if another program, such as one that terminates TLS, is in front
// of its listeners. nil means the address of the listener. The host of Apps is the domain of the apps.
type Public struct{ API, Apps, Dashboard *url.URL }

// Addresses are where a platform is served.
type Addresses struct {
	API       string `json:"api"`
	Apps      string `json:"apps"` // below it each project has a host name of its own
	Dashboard string `json:"dashboard"`
	Data      string `json:"data"`
	OwnerKey  string `json:"owner_key_file"`

	LocalAPI string `json:"-"` // of the API on the loopback interface, for commands on this machine; "" if it needs TLS or is not there
}

// Addresses returns where the platform is served.
func (p *Platform) Addresses() Addresses {
	return Addresses{
		API: p.apiURL().String(), Apps: p.appsURL().String(), Dashboard: p.dashboardURL().String(),
		Data: string(p.folder), OwnerKey: p.folder.ownerKey(), LocalAPI: p.localAPI(),
	}
}

// localAPI leaves out an API with TLS: its certificate is for another name than that of the loopback interface.
func (p *Platform) localAPI() string {
	at, ok := p.listeners[apiServer].Addr().(*net.TCPAddr)
	if !ok || p.o.TLS != nil || !at.IP.IsLoopback() && !at.IP.IsUnspecified() {
		return ""
	}
	if at.IP.IsUnspecified() {
		return "http://" + net.JoinHostPort("127.0.0.1", p.port(apiServer))
	}
	return "http://" + at.String()
}

func (p *Platform) apiURL() *url.URL {
	return cmp.Or(p.o.Public.API, p.listenerURL(apiServer))
}

func (p *Platform) dashboardURL() *url.URL {
	return cmp.Or(p.o.Public.Dashboard, p.listenerURL(dashboardServer))
}

// appsURL has the domain of the apps, with the port unless it is the usual one.
func (p *Platform) appsURL() *url.URL {
	if p.o.Public.Apps != nil {
		return p.o.Public.Apps
	}
	u := p.listenerURL(appsServer)
	u.Host = p.o.Domain
	if port := p.port(appsServer); port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		u.Host = net.JoinHostPort(p.o.Domain, port)
	}
	return u
}

func (p *Platform) appURL(project string) *url.URL {
	u := *p.appsURL()
	u.Host = project + "." + u.Host
	return &u
}

// listenerURL is the base URL of a server. One that listens at all addresses of the machine is reached at the domain.
func (p *Platform) listenerURL(server int) *url.URL {
	u := &url.URL{Scheme: "http", Host: p.listeners[server].Addr().String()}
	if p.o.TLS != nil {
		u.Scheme = "https"
	}
	if at, ok := p.listeners[server].Addr().(*net.TCPAddr); ok && at.IP.IsUnspecified() {
		u.Host = net.JoinHostPort(p.o.Domain, p.port(server))
	}
	return u
}

func (p *Platform) port(server int) string {
	_, port, _ := net.SplitHostPort(p.listeners[server].Addr().String()) // of a listener: always valid
	return port
}
