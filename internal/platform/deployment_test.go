package platform

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
)

func TestStates(t *testing.T) {
	t.Parallel()
	table := next()
	for _, s := range States() {
		if _, ok := table[s]; !ok {
			t.Errorf("%s has no row", s)
		}
		for _, to := range table[s] {
			if !s.CanBecome(to) {
				t.Errorf("%s cannot become %s", s, to)
			}
		}
		if s.CanBecome(s) {
			t.Errorf("%s can become itself", s)
		}
		if ends := s == StateReplaced; s.CanBecome(StateFailed) != (!ends && s != StateFailed) || s.CanBecome(StateStopped) != (!ends && s != StateStopped) {
			t.Errorf("%s: whether it can fail or be stopped is wrong", s)
		}
		if s.Serves() && !s.Settled() {
			t.Errorf("%s serves but is not settled", s)
		}
	}
	if len(table) != len(States()) {
		t.Errorf("%d rows for %d states", len(table), len(States()))
	}
}

func TestReasonsHaveTexts(t *testing.T) {
	t.Parallel()
	unknown := Reason("no such").String()
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if text := r.String(); text == unknown || seen[text] {
			t.Errorf("%s: text %q is missing or another's", r, text)
		} else {
			seen[text] = true
		}
	}
}

func TestCauseOf(t *testing.T) {
	t.Parallel()
	inner := &Problem{Reason: ReasonMemory, Msg: "killed", Hint: "ask for more", Output: []string{"last"}}
	if c := CauseOf(fmt.Errorf("gave up: %w", inner)); c.Reason != ReasonMemory || c.Message != "killed" || c.Hint != "ask for more" || len(c.Output) != 1 {
		t.Errorf("a wrapped problem is %+v", c)
	}
	if c := CauseOf(&Problem{Msg: "no reason given"}); c.Reason != ReasonCrash {
		t.Errorf("a problem without a reason is %+v", c)
	}
	if c := CauseOf(fmt.Errorf("open /srv/secret: denied")); c.Reason != ReasonInternal || strings.Contains(c.Message+c.Hint, "srv") {
		t.Errorf("an error of the platform is %+v", c)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 500 {
		project, err := NewProjectID(rand.Reader)
		if err != nil || !ValidProjectID(project) {
			t.Fatalf("project %q, error %v", project, err)
		}
		deployment, err := NewDeploymentID(rand.Reader)
		if err != nil || !ValidDeploymentID(deployment) || seen[deployment] {
			t.Fatalf("deployment %q, error %v", deployment, err)
		}
		seen[deployment] = true
		key, err := NewKey(rand.Reader)
		if err != nil || len(key) != 43 || seen[key] {
			t.Fatalf("key of %d characters, error %v", len(key), err)
		}
		seen[key] = true
	}
	for _, bad := range []string{"", "-a", "a-", "A", "a.b", "a/b", "..", strings.Repeat("a", 64), "a\n"} {
		if ValidProjectID(bad) || ValidDeploymentID(bad) {
			t.Errorf("%q is valid", bad)
		}
	}
	for _, bad := range []string{"", "Ann", "a b", ".a", "a/b", strings.Repeat("a", 65)} {
		if CheckUserName(bad) == nil {
			t.Errorf("user %q is valid", bad)
		}
	}
	if _, err := NewKey(bytes.NewReader(make([]byte, 3))); err == nil {
		t.Error("a key of three random bytes")
	}
}
