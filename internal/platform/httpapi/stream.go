package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
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
	since := s.after(r.Header.Get("Last-Event-ID"))
	if !follow {
		lines, err := a.Logs.Read(d.ID, kind, since)
		if err != nil {
			return err
		}
		for _, line := range lines {
			s.line(line)
		}
		s.flush()
		return nil
	}
	if r.Method == http.MethodHead {
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s.follow(a.Logs.Watch(ctx, d.ID, kind, since), func() bool { return a.stillMay(r, p.ID) })
	return nil
}

// stillMay reports whether the user of a stream still has the key and the project.
func (a *API) stillMay(r *request, projectID string) bool {
	user, err := a.Users.UserByKey(r.Context(), r.Header.Get(keyHeader))
	if err != nil {
		return false
	}
	_, err = a.own(r.Context(), user, projectID)
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

// stream is a response of server-sent events.
type stream struct {
	w          io.Writer
	conn       *http.ResponseController
	deployment int // number
	err        error
}

// line sends a line as an event.
func (s *stream) line(l Line) { s.send("id: %s\ndata: %s\n\n", s.id(l), l) }

func (s *stream) send(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}

func (s *stream) flush() {
	if s.err == nil {
		s.err = s.conn.Flush()
	}
}

// follow sends lines until there are no more, the client has disconnected, or check, which is called at each heartbeat, is false.
func (s *stream) follow(lines <-chan Line, check func() bool) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	s.send(":\n\n") // so that the client gets the status
	for s.flush(); s.err == nil; s.flush() {
		select {
		case l, ok := <-lines:
			if !ok {
				return
			}
			s.line(l)
		case <-beat.C:
			if !check() {
				return
			}
			s.send(":\n\n")
		}
	}
}

// id is the position of a line: the number of the deployment and the time. A client that reconnects after another deployment
// begins with the first line of that one.
func (s *stream) id(l Line) string {
	return strconv.Itoa(s.deployment) + "-" + strconv.FormatInt(l.Time.UnixMicro(), 10)
}

// after returns the time of the line with an ID; the zero time if the ID is not one of this deployment.
func (s *stream) after(id string) time.Time {
	number, at, _ := strings.Cut(id, "-")
	us, err := strconv.ParseInt(at, 10, 64)
	if err != nil || number != strconv.Itoa(s.deployment) {
		return time.Time{}
	}
	return time.UnixMicro(us)
}
