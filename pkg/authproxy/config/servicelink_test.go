package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// links are the variables that a kubelet makes of a Service (pkg/kubelet/envvars), whose name is written in capitals.
func links(service, ip, protocol, port, portName string) map[string]string {
	host := ip
	if strings.Contains(ip, ":") {
		host = "[" + ip + "]"
	}
	url := strings.ToLower(protocol) + "://" + host + ":" + port
	base := service + "_PORT_" + port + "_" + protocol
	return map[string]string{
		service + "_SERVICE_HOST": ip, service + "_SERVICE_PORT": port, service + "_SERVICE_PORT_" + portName: port,
		service + "_PORT": url, base: url, base + "_PROTO": strings.ToLower(protocol), base + "_PORT": port, base + "_ADDR": ip,
	}
}

// What Kubernetes says of Services that are called like our variables is passed over; a misspelt variable beside them is
// not (security class 24).
func TestServiceLinks(t *testing.T) {
	t.Parallel()
	login := map[string]string{"username_main_app": "ann", "password_main_app": "pw"}
	for name, all := range map[string]map[string]string{
		"auth":           links("AUTH", "10.96.0.7", "TCP", "80", "HTTP"),
		"auth, IPv6":     links("AUTH", "fd00::7", "TCP", "443", "HTTPS"),
		"auth, UDP":      links("AUTH", "10.96.0.7", "UDP", "53", "DNS_UDP"),
		"auth, SCTP":     links("AUTH", "10.96.0.7", "SCTP", "65535", "X"),
		"auth-secret":    links("AUTH_SECRET", "10.96.0.7", "TCP", "8080", "WEB_1"),
		"auth-port":      links("AUTH_PORT", "10.96.0.7", "TCP", "80", "PORT"),
		"auth-service":   links("AUTH_SERVICE", "10.96.0.7", "TCP", "80", "SERVICE"),
		"auth-port-80":   links("AUTH_PORT_80_TCP", "10.96.0.7", "TCP", "81", "A"),
		"auth-client-id": links("AUTH_CLIENT_ID", "10.96.0.7", "TCP", "80", "HTTP"),
		"password-api":   links("PASSWORD_API", "10.96.0.7", "TCP", "80", "HTTP"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := maps.Clone(login)
			maps.Copy(vars, all)
			if _, err := config.From(from(vars)); err != nil {
				t.Fatal(err)
			}
			vars["AUTH_SECRETS"] = longSecret
			if _, err := config.From(from(vars)); err == nil || err.Error() != "AUTH_SECRETS: unknown variable; did you mean AUTH_SECRET?" {
				t.Errorf("misspelt: %v", err)
			}
		})
	}
	for name, value := range map[string]string{
		"AUTH_SERVICE_HOST": "auth.example.com", "AUTH_SERVICE_PORT": "http", "AUTH_SERVICE_PORT_HTTP": "", "AUTH_PORT": "8080",
		"AUTH_PORT_80_TCP": "tcp://10.96.0.7:81", "AUTH_PORT_80_UDP": "tcp://10.96.0.7:80", "AUTH_PORT_80_TCP_PROTO": "udp",
		"AUTH_PORT_80_TCP_PORT": "81", "AUTH_PORT_80_TCP_ADDR": "x", "AUTH_PORT_80_TCP_NAME": "x", "AUTH_PORT_0_TCP": "tcp://10.96.0.7:0",
		"AUTH_PORT_80_HTTP": "http://10.96.0.7:80", "AUTH_SERVICE_HOSTS": "10.96.0.7",
		"AUTH_SERVICE_PORT_": "80", "AUTH_HOST": "10.96.0.7", "AUTH_PORT_": "tcp://10.96.0.7:80",
	} {
		vars := maps.Clone(login)
		vars[name] = value
		if _, err := config.From(from(vars)); err == nil || !strings.HasPrefix(err.Error(), name+": unknown variable") {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
