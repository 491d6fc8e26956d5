package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func TestStreamLog(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	p, d := deployed(t, m, ownerKey)
	m.log(d, AppLog, "one", "two: \x3cb\x3e", "three")
	c := client(t, base, ownerKey)
	read := func(q cloudapi.LogQuery) (lines []cloudapi.LogLine) {
		t.Helper()
		if err := c.LogLines(t.Context(), p, q, func(l cloudapi.LogLine) error { lines = append(lines, l); return nil }); err != nil {
			t.Error(err)
		}
		return lines
	}
	all := read(cloudapi.LogQuery{Type: "app"})
	if len(all) != 3 || all[1].Text != "2026-11-30T12:00:00.001+00:00 two: <b>" {
		t.Fatalf("lines %+v", all)
	}
	if rest := read(cloudapi.LogQuery{Type: "app", After: all[0].Position}); !slices.Equal(rest, all[1:]) {
		t.Errorf("lines after the first: %+v", rest)
	}
	for _, position := range []string{"2-1", "nonsense", strings.Replace(all[0].Position, "1-", "9-", 1)} {
		if again := read(cloudapi.LogQuery{Type: "app", After: position}); !slices.Equal(again, all) {
			t.Errorf("lines after position %q of another deployment: %+v", position, again)
		}
	}
	if build := read(cloudapi.LogQuery{Type: "build"}); len(build) != 0 {
		t.Errorf("lines of the build: %+v", build)
	}

	// Following ends when the client does.
	ctx, cancel := context.WithCancel(t.Context())
	var followed []string
	go func() { m.more <- Line{Time: m.now().Add(time.Second), Text: "four"} }()
	err := c.LogLines(ctx, p, cloudapi.LogQuery{Type: "app", Follow: true, After: all[1].Position}, func(l cloudapi.LogLine) error {
		_, text, _ := strings.Cut(l.Text, " ")
		if followed = append(followed, text); text == "four" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || !slices.Equal(followed, []string{"three", "four"}) {
		t.Errorf("followed %q, %v", followed, err)
	}
}

// A stream ends at the next heartbeat after its user has lost the key or the project.
func TestStreamOfRemovedUser(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*memory){
		"key":     func(m *memory) { delete(m.users, ownerKey) },
		"project": func(m *memory) { m.projects[0].Owner = "u3" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, m *memory, conn *bufio.ReadWriter) {
				p, d := deployed(t, m, ownerKey)
				m.log(d, AppLog, "one")
				resp := ask(t, conn, "GET", "/api/v1/projects/"+p+"/logs?follow=1", ownerKey)
				defer func() { _ = resp.Body.Close() }()
				go func() {
					time.Sleep(10*heartbeat + heartbeat/2)
					defer m.lock()()
					lose(m)
				}()
				body, err := io.ReadAll(resp.Body)
				if beats := strings.Count(string(body), "\n:\n"); err != nil || beats != 10 || !strings.Contains(string(body), " one\n") {
					t.Errorf("%d heartbeats, %v, %q", beats, err, body)
				}
			})
		})
	}
}

// ask sends a request without a body over a connection and returns the response.
func ask(t *testing.T, conn *bufio.ReadWriter, method, path, key string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:8000"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("api_key", key)
	if err := errors.Join(r.Write(conn), conn.Flush()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(conn.Reader, r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestSettings(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	p, _ := deployed(t, m, ownerKey)
	c := client(t, base, ownerKey)
	change := func(s cloudapi.SleepAfter) cloudapi.SleepAfter {
		t.Helper()
		settings, err := c.ChangeSettings(t.Context(), p, cloudapi.SettingsChange{SleepAfter: &s})
		if err != nil {
			t.Fatal(err)
		}
		return settings.SleepAfter
	}
	if s, err := c.ProjectSettings(t.Context(), p); err != nil || s.SleepAfter != cloudapi.SleepAfter(15*time.Minute) {
		t.Errorf("by default %+v, %v", s, err)
	}
	if got := change(cloudapi.Never); got != cloudapi.Never || m.project(p).Sleep != (platform.Sleep{Never: true}) {
		t.Errorf("never is %v, stored %+v", got, m.project(p).Sleep)
	}
	hour := cloudapi.SleepAfter(time.Hour)
	if got := change(hour); got != hour || m.project(p).Sleep != (platform.Sleep{After: time.Hour}) {
		t.Errorf("an hour is %v, stored %+v", got, m.project(p).Sleep)
	}
	if s, err := c.ChangeSettings(t.Context(), p, cloudapi.SettingsChange{}); err != nil || s.SleepAfter != hour {
		t.Errorf("no change: %+v, %v", s, err)
	}
}

func TestStatusAndDeployments(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	c := client(t, base, ownerKey)
	created, err := c.CreateProject(t.Context(), "dash")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := c.ProjectStatus(t.Context(), created.ID); err != nil || s.State != "" || s.Deployment != 0 || s.Type != "dash" || s.Dashboard != m.DashboardURL(created.ID, "") {
		t.Errorf("before the first deployment %+v, %v", s, err)
	}
	if list, err := c.Deployments(t.Context(), created.ID); err != nil || list == nil || len(list) != 0 {
		t.Errorf("before the first deployment %+v, %v", list, err)
	}
	if _, err := c.Rollback(t.Context(), created.ID, 0); err == nil || !strings.Contains(err.Error(), "no earlier deployment") {
		t.Errorf("rollback without deployments: %v", err)
	}
	p, first := deployed(t, m, ownerKey)
	second, err := c.Rollback(t.Context(), p, 1)
	if err != nil || second.Number != 2 || second.By != "owner" || second.State != "queued" || second.Current {
		t.Fatalf("rollback %+v, %v", second, err)
	}
	m.play(p, platform.StateFailed, platform.Cause{
		Reason: platform.ReasonMemory, Message: "the app used more than 1 GB", Hint: "ask for more", Output: []string{"Killed"},
	})
	s, err := c.ProjectStatus(t.Context(), p)
	if err != nil || s.State != "failed" || s.Reason != "out-of-memory" || s.Problem != "the app used more than 1 GB" || s.NextStep != "ask for more" ||
		!slices.Equal(s.Detail, []string{"Killed"}) || s.Deployment != 1 || s.URL != m.AppURL(p) || s.DataBytes != 4096 || s.Owner != "owner" {
		t.Errorf("status %+v, %v", s, err)
	}
	list, err := c.Deployments(t.Context(), p)
	if err != nil || len(list) != 2 || list[0].ID != second.ID || list[0].Current || list[1].ID != first || !list[1].Current {
		t.Errorf("deployments %+v, %v", list, err)
	}
	for number, want := range map[int]string{2: "never ran", 9: "no deployment 9"} {
		if _, err := c.Rollback(t.Context(), p, number); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rollback to %d: %v, want %q", number, err, want)
		}
	}
	digests := secretDigests(t, base, ownerKey, p)
	if len(digests) != 1 || digests[0].Name != "TOKEN" || len(digests[0].Digest) < 32 {
		t.Errorf("digests %+v", digests)
	}
}

func TestInfoAndProof(t *testing.T) {
	t.Parallel()
	m := newMemory()
	base := serve(t, m)
	info, err := cloudapi.Info(t.Context(), cloudapi.Options{BaseURL: base})
	if err != nil || *info != (cloudapi.PlatformInfo{Version: "1.2.3", Dashboard: "http://localhost:3000", Apps: "localhost:8080"}) {
		t.Errorf("info %+v, %v", info, err)
	}
	for nonce, want := range map[string]int{"": 422, "short": 422, strings.Repeat("A", 43): 200} {
		if status, body := send(t, "GET", base+"/api/v1/proof?nonce="+nonce, "", nil); status != want {
			t.Errorf("nonce %q: status %d %s, want %d", nonce, status, body, want)
		}
	}
	// The proof is for the address that the platform has, not for the one that a client used.
	if err := cloudapi.Prove(t.Context(), cloudapi.Options{BaseURL: base, Key: ownerKey}); !errors.Is(err, cloudapi.ErrUnproven) {
		t.Errorf("a proof for another address: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := m.options()
	o.Base = "http://" + l.Addr().String()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(a)
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	if err := cloudapi.Prove(t.Context(), cloudapi.Options{BaseURL: o.Base, Key: ownerKey}); err != nil {
		t.Error(err)
	}
	if err := cloudapi.Prove(t.Context(), cloudapi.Options{BaseURL: o.Base, Key: teamsKey}); !errors.Is(err, cloudapi.ErrUnproven) {
		t.Errorf("a proof for another key: %v", err)
	}
}

func secretDigests(t *testing.T, base, key, project string) []cloudapi.SecretDigest {
	t.Helper()
	status, body := send(t, "GET", base+"/api/v1/projects/"+project+"/secrets", key, nil)
	var list cloudapi.SecretDigests
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 {
		t.Fatalf("status %d %s, %v", status, body, err)
	}
	return list.Secrets
}
