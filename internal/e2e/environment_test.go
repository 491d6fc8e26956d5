package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// Names and secrets of the tests' environment.
const (
	clientID     = "the-app"
	clientSecret = "client secret of the tests, no real one"
	signSecret   = "signing secret of the tests - no real one - long enough"
	otherSecret  = "another signing secret of the tests - no real one"
	audience     = "https://api.example.com"
)

func ann() oidcprovider.User {
	return oidcprovider.User{Subject: "user|ann", Password: "ann's", Email: "ann@example.com", Verified: true,
		Claims: map[string]any{"groups": []string{"staff", "ops"}}}
}

func bob() oidcprovider.User {
	return oidcprovider.User{Subject: "user|bob", Password: "bob's", Email: "bob@elsewhere.org", Verified: true}
}

// eve says that she is Ann.
func eve() oidcprovider.User {
	return oidcprovider.User{Subject: "user|eve", Password: "eve's", Email: "ann@example.com", Verified: false}
}

// clientAt is the registration of an app that users reach on these ports.
func clientAt(ports ...int) oidcprovider.Client {
	c := oidcprovider.Client{ID: clientID, Secret: clientSecret}
	for _, port := range ports {
		base := fmt.Sprintf("http://127.0.0.1:%d", port)
		c.Redirects = append(c.Redirects, base+"/callback")
		c.LogoutRedirects = append(c.LogoutRedirects, base+"/status")
		c.BackchannelLogout = base + "/_auth/backchannel-logout"
	}
	return c
}

// settings of the provider that most tests use.
func settings(ports ...int) oidcprovider.Settings {
	return oidcprovider.Settings{Clients: []oidcprovider.Client{clientAt(ports...)},
		Users: []oidcprovider.User{ann(), bob(), eve()}}
}

// oidcVars are the variables of an app on this port.
func oidcVars(issuer string, port int, more vars) vars {
	v := vars{
		"AUTH_CLIENT_ID":       clientID,
		"AUTH_CLIENT_SECRET":   clientSecret,
		"AUTH_ISSUER_BASE_URL": issuer,
		"AUTH_SECRET":          signSecret,
		"AUTH_BASE_URL":        fmt.Sprintf("http://127.0.0.1:%d", port),
	}
	maps.Copy(v, more)
	return v
}

// environment is a provider, the program and an app behind it.
type environment struct {
	provider *oidcprovider.Provider
	proxy    *proxy
}

// newEnvironment starts all three. s and more may be changed from what is usual; nil leaves them.
func newEnvironment(t *testing.T, s func(*oidcprovider.Settings), more vars, args ...string) environment {
	t.Helper()
	port := freeport.For(t)
	set := settings(port)
	if s != nil {
		s(&set)
	}
	provider := oidcprovider.Start(t, set)
	return environment{provider, startProxy(t, proxyOptions{port: port, upstream: startEcho(t),
		vars: oidcVars(provider.Issuer(), port, more), args: args})}
}

// enter logs Ann in and does what has to be done while the login is fresh, and does it again with another browser where
// a busy machine takes longer than a login lives.
func (w environment) enter(t *testing.T, life time.Duration, fresh func(*client, *oidcprovider.Page)) (v *client) {
	t.Helper()
	eventually(t, fmt.Sprintf("a login and what follows take less than %v", life), func() bool {
		v = newClient(t)
		start := time.Now()
		page := v.logIn(w.provider, w.proxy.url+"/", "user|ann")
		fresh(v, page)
		return time.Since(start) < life
	})
	return v
}

// pair is the program with two providers to choose from.
type pair struct {
	first, second *oidcprovider.Provider
	proxy         *proxy
}

func newPair(t *testing.T) pair {
	t.Helper()
	port := freeport.For(t)
	return startPair(t, port, settings(port), settings(port))
}

func startPair(t *testing.T, port int, first, second oidcprovider.Settings) pair {
	t.Helper()
	w := pair{first: oidcprovider.Start(t, first), second: oidcprovider.Start(t, second)}
	w.proxy = startProxy(t, proxyOptions{port: port, upstream: startEcho(t), vars: vars{
		"AUTH_PROVIDERS":              "first,second",
		"AUTH_FIRST_CLIENT_ID":        clientID,
		"AUTH_FIRST_CLIENT_SECRET":    clientSecret,
		"AUTH_FIRST_ISSUER_BASE_URL":  w.first.Issuer(),
		"AUTH_SECOND_CLIENT_ID":       clientID,
		"AUTH_SECOND_CLIENT_SECRET":   clientSecret,
		"AUTH_SECOND_ISSUER_BASE_URL": w.second.Issuer(),
		"AUTH_SECRET":                 signSecret,
		"AUTH_BASE_URL":               fmt.Sprintf("http://127.0.0.1:%d", port),
	}})
	return w
}
