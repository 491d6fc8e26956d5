package oidctest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
)

// Network answers requests by host, without a network. A host that it does not know refuses the connection.
type Network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler
	asked []string // host and path of every request
}

var _ http.RoundTripper = (*Network)(nil)

// NewNetwork returns one without hosts.
func NewNetwork() *Network { return &Network{hosts: map[string]http.Handler{}} }

func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.asked = append(n.asked, r.URL.Host+r.URL.Path)
	h := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if h == nil {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// Set puts a host on the network; nil takes it off.
func (n *Network) Set(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

// Asked returns host and path of every request so far.
func (n *Network) Asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// Count returns how often a host and path has been asked for.
func (n *Network) Count(place string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, a := range n.asked {
		if a == place {
			count++
		}
	}
	return count
}
