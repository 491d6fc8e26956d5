package localcloud

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// TestPublicAddresses reaches a platform under the names that a program in front of it passes on.
func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.Close()
	parsed := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	c.options.Domain = "apps.example.com"
	c.options.Public = Public{API: parsed("https://cloud.example.com"), Apps: parsed("https://apps.example.com"), Dashboard: parsed("https://dash.example.com:8443")}
	c.start()
	if at := c.Addresses(); at.API != "https://cloud.example.com" || at.Apps != "https://apps.example.com" ||
		at.Dashboard != "https://dash.example.com:8443" || at.LocalAPI != "http://"+c.options.API {
		t.Errorf("addresses %+v", at)
	}
	if got := c.AppURL("shop"); got != "https://shop.apps.example.com" {
		t.Errorf("an app is at %s", got)
	}
	if got := c.DashboardURL("shop", "7"); got != "https://dash.example.com:8443/applications/shop/7" {
		t.Errorf("its page is at %s", got)
	}
	if err := cloudapi.Prove(t.Context(), cloudapi.Options{BaseURL: c.Addresses().LocalAPI, Key: c.ownerKeyText()}); err != nil {
		t.Errorf("a command of this machine: %v", err)
	}
	for _, tc := range []struct {
		listener, host, path string
		code                 int
		contains             string
	}{
		{c.options.API, "cloud.example.com", "/api/v1/info", http.StatusOK, `"dashboard":"https://dash.example.com:8443"`},
		{c.options.API, "dash.example.com", "/api/v1/info", http.StatusBadRequest, ""},
		{c.options.Dashboard, "dash.example.com:8443", "/", http.StatusUnauthorized, "API key"},
		{c.options.Dashboard, "apps.example.com", "/", http.StatusBadRequest, ""},
		{c.options.Apps, "shop.apps.example.com", "/", http.StatusNotFound, "There is no app here."},
		{c.options.Apps, "shop.example.com", "/", http.StatusNotFound, "There is no app here."},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+tc.listener+tc.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tc.host
		res, err := c.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != tc.code || !strings.Contains(string(body), tc.contains) {
			t.Errorf("%s%s: %s %q, %v, want %d and %q", tc.host, tc.path, res.Status, body, err, tc.code, tc.contains)
		}
	}
}

// TestAddressesOfAllInterfaces checks that no address of a platform names the listener [::], to which nobody can go.
func TestAddressesOfAllInterfaces(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.Close()
	c.options.Domain, c.options.API, c.options.Dashboard = "apps.example.com", "0.0.0.0:0", ":0"
	c.start()
	for _, address := range []string{c.Addresses().API, c.Addresses().Dashboard} {
		if host := address[:strings.LastIndexByte(address, ':')]; host != "http://apps.example.com" {
			t.Errorf("address %s", address)
		}
	}
	if _, port, _ := net.SplitHostPort(c.options.API); c.Addresses().LocalAPI != "http://127.0.0.1:"+port {
		t.Errorf("commands of this machine use %s", c.Addresses().LocalAPI)
	}
}
