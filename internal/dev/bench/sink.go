package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// peerAddress is where the Python tool looks for a platform of its own when it is told to use a local one.
const peerAddress = "localhost:8000"

// A sink answers as the platform does and swallows what is uploaded.
type sink struct {
	URL    string
	server *http.Server

	mu   sync.Mutex
	keep io.Writer // where the next archive is kept; nil drops it
	last upload
}

// An upload is what the sink saw of one deployment.
type upload struct {
	size  int64     // bytes of the archive
	first time.Time // when the first byte of the body arrived
}

func openSink() (*sink, error) {
	l, err := net.Listen("tcp", peerAddress)
	if err != nil {
		return nil, fmt.Errorf("the Python tool deploys to %s, which must be free: %w", peerAddress, err)
	}
	s := &sink{URL: "http://" + peerAddress}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go s.server.Serve(l) //nolint:errcheck // ends with ErrServerClosed, by close
	return s, nil
}

func (s *sink) close() error { return s.server.Close() }

// expect forgets the last upload and says where the archive of the next one goes.
func (s *sink) expect(keep io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep, s.last = keep, upload{}
}

func (s *sink) seen() upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	reply := func(text string) { io.WriteString(w, text) }
	switch {
	case r.URL.Path == "/users/me":
		reply(`{"_model": {"type": "teams"}}`)
	case r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/jobs/webservice/"):
		if err := s.swallow(r); err != nil {
			http.Error(w, `{"detail": "unreadable upload"}`, http.StatusBadRequest)
			return
		}
		reply(`{"project_id": "bench-project", "id": "bench-job"}`)
	case strings.HasPrefix(r.URL.Path, "/projects/"):
		reply(`{"id": "bench-project", "type": "docker", "labels": [], "secrets": [], "jobs": []}`)
	default:
		http.Error(w, `{"detail": "not part of the benchmark"}`, http.StatusNotFound)
	}
}

func (s *sink) swallow(r *http.Request) error {
	first := &firstByte{from: r.Body}
	r.Body = first
	parts, err := r.MultipartReader()
	if err != nil {
		return err
	}
	s.mu.Lock()
	keep := s.keep
	s.mu.Unlock()
	if keep == nil {
		keep = io.Discard
	}
	var size int64
	buffer := make([]byte, 1<<18)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if part.FormName() == "files" {
			if size, err = io.CopyBuffer(keep, part, buffer); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = upload{size, first.at}
	return nil
}

// firstByte notes when the first byte of a body was read.
type firstByte struct {
	from io.ReadCloser
	at   time.Time
}

func (f *firstByte) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if n > 0 && f.at.IsZero() {
		f.at = time.Now()
	}
	return n, err
}

func (f *firstByte) Close() error { return f.from.Close() }
