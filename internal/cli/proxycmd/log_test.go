package proxycmd

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// What is guarded can be told apart in a line of text, and is a list for programs.
func TestProtectionInTheLog(t *testing.T) {
	t.Parallel()
	var text, json bytes.Buffer
	words := sentences{"/robots.txt: open to everybody", "everything else: password (user ann)"}
	slog.New(slog.NewTextHandler(&text, nil)).Info("serving", "protected", words)
	slog.New(slog.NewJSONHandler(&json, nil)).Info("serving", "protected", words)
	if want := `protected="/robots.txt: open to everybody; everything else: password (user ann)"`; !strings.Contains(text.String(), want) {
		t.Errorf("text: %s", text.String())
	}
	if want := `"protected":["/robots.txt: open to everybody","everything else: password (user ann)"]`; !strings.Contains(json.String(), want) {
		t.Errorf("JSON: %s", json.String())
	}
}

// A listener on all addresses is named by one that a browser can open.
func TestReachable(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{"0.0.0.0": "127.0.0.1:80", "::": "127.0.0.1:80", "127.0.0.1": "127.0.0.1:80", "192.0.2.7": "192.0.2.7:80", "::1": "[::1]:80"} {
		at, others := reachable(&net.TCPAddr{IP: net.ParseIP(ip), Port: 80})
		if at != want || (others != "") != net.ParseIP(ip).IsUnspecified() {
			t.Errorf("%s: %s%s", ip, at, others)
		}
	}
}
