package cloudapi

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ploomber/ploomber-cloud/pkg/controls"
)

// hostile is text with everything that a terminal obeys, as JSON.
const hostile = `"a\u001b[2Jb\u001b]0;owned\u0007c\r\n\u009b31md\u0008\u007f ü\u00a0"`

// Nothing that the platform says in any field of any reply still has an effect on a terminal, wherever it is printed.
func TestRepliesAreNeutral(t *testing.T) {
	t.Parallel()
	reply := strings.ReplaceAll(`{"id": X, "name": X, "type": X, "labels": [X], "secrets": [X], "status": X, "project_id": X, "status_page": X,
		"resources": {"webservice": X}, "logs": {"build-docker": X, "app": X}, "projects": [{"id": X, "name": X}], "jobs": [{"id": X}],
		"state": X, "reason": X, "problem": X, "detail": [X], "next_step": X, "owner": X, "url": X, "dashboard": X, "version": X, "apps": X,
		"deployments": [{"id": X, "by": X, "state": X, "reason": X, "message": X}], "_model": {"type": X}}`, "X", hostile)
	c, _ := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/logs") && strings.HasPrefix(r.URL.Path, "/api") {
			w.Header().Set("Content-Type", typeEvents)
			_, _ = io.WriteString(w, "id: 1\ndata: a\x1b[2Jb\x1b]0;owned\ac\u009b31md\b\x7f ü\n\n")
			return
		}
		_, _ = io.WriteString(w, reply)
	}))
	ctx := t.Context()
	check := func(what string, v any, err error) {
		t.Helper()
		text, jsonErr := json.Marshal(v)
		if err != nil || jsonErr != nil {
			t.Errorf("%s: %v, %v", what, err, jsonErr)
			return
		}
		if said := string(text); strings.Contains(said, `\u`) || strings.Contains(said, "owned") || strings.ContainsFunc(said, unicode.IsControl) ||
			!strings.Contains(said, "abc") || !strings.Contains(said, "d ü") {
			t.Errorf("%s: %s", what, said)
		}
	}
	tier, err := c.Tier(ctx)
	check("tier", tier, err)
	list, err := c.Projects(ctx)
	check("projects", list, err)
	project, err := c.Project(ctx, "p")
	check("project", project, err)
	created, err := c.CreateProject(ctx, "dash")
	check("created", created, err)
	job, err := c.Job(ctx, "j")
	check("job", job, err)
	logs, err := c.Logs(ctx, "j", time.Time{})
	check("logs", logs, err)
	accepted, err := c.Deploy(ctx, DeployRequest{ProjectID: "p", Type: "dash", Archive: &zeros{}})
	check("accepted", accepted, err)
	history, err := c.Deployments(ctx, "p")
	check("deployments", history, err)
	again, err := c.Rollback(ctx, "p", 1)
	check("rollback", again, err)
	info, err := Info(ctx, Options{BaseURL: c.base.String()})
	check("info", info, err)
	var line LogLine
	err = c.LogLines(ctx, "p", LogQuery{Type: "app"}, func(l LogLine) error { line = l; return nil })
	check("line", line, err)
}

// An error says what the platform says, without its effect.
func TestErrorsAreNeutral(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"detail":   `{"detail": ` + hostile + `}`,
		"object":   `{"detail": {"why": ` + hostile + `}}`,
		"no JSON":  "a\x1b[2Jb\x1b]0;owned\ac",
		"raw bits": "abc\x9b2J",
	} {
		c, _ := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		}))
		_, err := c.Project(t.Context(), "p")
		if err == nil || !strings.Contains(err.Error(), "abc") || strings.Contains(err.Error(), "owned") || strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("%s: %q", name, err)
		}
	}
}

// FuzzNeutral: JSON stays JSON with the same strings, less what is removed or marked in each.
func FuzzNeutral(f *testing.F) {
	for _, s := range []string{`{}`, hostile, `{"a\"\u001b[1m": ["\\", 1e5, null]}`, `"\ud83d\ude00 \ud800"`, "x\x1b[2J", `"` + "\u0085" + `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := neutral([]byte(s))
		if !json.Valid([]byte(s)) {
			if string(got) != controls.Strip(s) {
				t.Errorf("%q becomes %q", s, got)
			}
			return
		}
		var before, after any
		if json.Unmarshal([]byte(s), &before) != nil {
			return
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q becomes %q: %v", s, got, err)
		}
		want, one := stripped(before)
		have, other := stripped(after)
		if one && other && !reflect.DeepEqual(have, want) {
			t.Errorf("%q becomes %q, want %v", s, got, want)
		}
		if strings.ContainsFunc(string(got), func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\t\r", r) }) {
			t.Errorf("%q becomes %q, with control characters", s, got)
		}
	})
}

// stripped removes what neutral removes or marks. It returns false if two keys become one.
func stripped(v any) (plain any, ok bool) {
	text := func(s string) string { return strings.ReplaceAll(controls.Strip(s), "\ufffd", "") }
	ok = true
	switch v := v.(type) {
	case string:
		return text(v), true
	case []any:
		list := []any{}
		for _, e := range v {
			one, unique := stripped(e)
			list, ok = append(list, one), ok && unique
		}
		return list, ok
	case map[string]any:
		object := map[string]any{}
		for key, e := range v {
			one, unique := stripped(e)
			object[text(key)], ok = one, ok && unique
		}
		return object, ok && len(object) == len(v)
	}
	return v, true
}
