package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
)

// notice answers a request in place of an app. All of them have status 503: none is the fault of the client.
type notice struct {
	title, text string
	retry       int  // seconds
	refresh     bool // a browser tries again by itself
	reason      platform.Reason
}

func waiting() notice {
	return notice{title: "The app is starting", text: "It was asleep or has been restarted. This page loads the app once it is ready.",
		retry: 1, refresh: true}
}

func asleep() notice {
	return notice{title: "The app is asleep", text: "It wakes up when someone opens it.", retry: 60}
}

func wakeFailed(err error) notice {
	n := notice{title: "The app could not be started", text: "Try again later.", retry: 10}
	var problem *platform.Problem
	if errors.As(err, &problem) && problem.Reason != "" {
		n.reason, n.text = problem.Reason, because(problem.Reason)
	}
	return n
}

func unreachable() notice {
	return notice{title: "The app is not responding", text: "It may be restarting. This page tries again.", retry: 2, refresh: true}
}

func replaced() notice {
	return notice{title: "The app has been updated", text: "Load the page again to use the new version.", retry: 1, refresh: true}
}

func unavailable() notice {
	return notice{title: "The app cannot be reached at the moment", text: "Try again later.", retry: 10}
}

// stateNotice tells users of a project why nothing serves it.
func stateNotice(state platform.State, reason platform.Reason) notice {
	const loads = " This page loads the app once it is ready."
	switch state {
	case "":
		return notice{title: "There is no app here yet", text: "Nothing has been deployed." + loads, retry: 30, refresh: true}
	case platform.StateQueued:
		return notice{title: "The app is waiting to be built", text: "It comes after other apps." + loads, retry: 5, refresh: true}
	case platform.StateBuilding:
		return notice{title: "The app is being built", text: "This takes a few minutes at most." + loads, retry: 5, refresh: true}
	case platform.StateStarting, platform.StateRunning, platform.StateFrozen, platform.StateAsleep:
		return notice{title: "The app is starting", text: "This takes a moment." + loads, retry: 2, refresh: true}
	case platform.StateFailed:
		return notice{title: "The app is not running", text: because(reason) + " Its owner can find out more with 'ploomber-cloud status'.", retry: 60, reason: reason}
	default:
		return notice{title: "The app has been stopped", text: "Its owner can start it again.", retry: 300, reason: reason}
	}
}

func because(r platform.Reason) string {
	if r == "" {
		return "It could not be started."
	}
	return "It is not running because " + r.String() + "."
}

// answer responds with n: with a page to a browser that opens one, else in JSON if the client prefers that, or with a line
// of text.
func (p *project) answer(n notice) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(n.retry))
		if !navigation.IsPageVisit(r) && strings.Contains(r.Header.Get("Accept"), "application/json") {
			p.answerJSON(w, r, n)
			return
		}
		m := pages.Message{Code: http.StatusServiceUnavailable, Title: n.title, Text: n.text}
		switch {
		case r.Method != http.MethodGet: // sending a form again is for its user to decide
		case n.refresh:
			m.Refresh = n.retry
		default:
			m.Links = []pages.Link{{Text: "Try again"}}
		}
		p.pages().Say(w, r, m)
	})
}

func (p *project) answerJSON(w http.ResponseWriter, r *http.Request, n notice) {
	body, err := json.Marshal(struct {
		Detail string          `json:"detail"`
		State  platform.State  `json:"state,omitempty"`
		Reason platform.Reason `json:"reason,omitempty"`
	}{n.title + ". " + n.text, p.state(), n.reason})
	if err != nil { // not possible
		http.Error(w, n.title, http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	pages.Secure(h)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// pages are the gateway's, with the texts of the project's owner.
func (p *project) pages() *pages.Pages {
	g := p.gateway
	with := pages.New(g.templates, "", g.o.Now)
	with.SetOwner(p.login.owner())
	return with
}

func (p *project) state() platform.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.route.State
}
