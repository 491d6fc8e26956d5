package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// heartbeat is how often a stream without lines gets a comment, so that nothing between here and the client takes the connection
// for a dead one. The user's key is checked again as often.
const heartbeat = 15 * time.Second

// streamLog sends the log of the newest deployment as server-sent events (HTML standard, section 9.2).
func (a *API) streamLog(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	kind, follow, err := logQuery(r.Request)
	if err != nil {
		return err
	}
	d, found, err := a.latest(r.Context(), p.ID)
	if err != nil {
		return err
	}
	if !found {
		return refuse(http.StatusNotFound, "Project %s was never deployed, so it has no logs", p.ID)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{w: &steadyWriter{w, a}, conn: http.NewResponseController(w), deployment: d.Number}
	if err := s.send(": log of deployment %d\n\n", d.Number); err != nil || r.Method == http.MethodHead {
		return nil //nolint:nilerr // the client has disconnected
	}
	ctx, cancel := context.WithCancel(r.Context())
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		defer cancel()
		s.beat(ctx, func() bool { return a.stillMay(ctx, r, p.ID) })
	}()
	err = a.Logs.Follow(ctx, d, kind, s.position(r.Header.Get("Last-Event-ID")), follow, s.line)
	cancel()
	<-beating
	if err != nil && ctx.Err() == nil && !errors.Is(err, errStream) {
		a.Log.Error("log stream failed", "project", p.ID, "error", err)
	}
	return nil
}

// stillMay reports whether the user of a stream still has the key and the project.
func (a *API) stillMay(ctx context.Context, r *request, projectID string) bool {
	user, err := a.Users.UserByKey(ctx, r.Header.Get(keyHeader))
	if err != nil {
		return false
	}
	_, err = a.own(ctx, user, projectID)
	return err == nil
}

func logQuery(r *http.Request) (kind LogKind, follow bool, err error) {
	query := r.URL.Query()
	switch kind = LogKind(query.Get("type")); kind {
	case "":
		kind = AppLog
	case AppLog, BuildLog:
	default:
		return "", false, invalid("type must be %s or %s", AppLog, BuildLog)
	}
	switch query.Get("follow") {
	case "", "0":
	case "1":
		follow = true
	default:
		return "", false, invalid("follow must be 0 or 1")
	}
	return kind, follow, nil
}

// errStream means that a stream could not be written: the client has disconnected.
var errStream = errors.New("stream ended by the client")

// stream is a response of server-sent events.
type stream struct {
	mu         sync.Mutex
	w          io.Writer
	conn       *http.ResponseController
	deployment int // number
}

func (s *stream) send(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		return errStream
	}
	if err := s.conn.Flush(); err != nil {
		return errStream
	}
	return nil
}

// line sends a line as an event. The ID also has the number of the deployment: a client that reconnects after another deployment
// begins with the first line of that one.
func (s *stream) line(l Line) error {
	return s.send("id: %d-%s\ndata: %s\n\n", s.deployment, l.Position, l)
}

// position returns the position behind which a client wants to go on; "" for the beginning.
func (s *stream) position(lastEventID string) string {
	position, ok := strings.CutPrefix(lastEventID, strconv.Itoa(s.deployment)+"-")
	if !ok {
		return ""
	}
	return position
}

// beat sends a comment at regular intervals, until ctx ends, the client has disconnected or check is false.
func (s *stream) beat(ctx context.Context, check func() bool) {
	t := time.NewTicker(heartbeat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if !check() || s.send(":\n\n") != nil {
				return
			}
		}
	}
}
