package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// rawServer answers every request on a connection with the same text and then sends more that nobody asked for.
func rawServer(t *testing.T, reply, more string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					if _, err := fmt.Fprint(c, reply, more); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return "http://" + l.Addr().String()
}

// TestNoLineOfALibrary has servers send what net/http writes to its log about.
func TestNoLineOfALibrary(t *testing.T) {
	t.Parallel()
	created := `{"id": "my-app", "type": "flask"}`
	reply := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(created), created)
	const bad = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for name, tc := range map[string]struct{ reply, more string }{
		"an answer to nothing": {reply, bad},
		"garbage":              {reply, "\x00\x01garbage\r\n\r\n"},
		"a timeout":            {reply, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		"hints and a refusal":  {"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}", bad},
		"two lengths":          {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", ""},
		"a bad cookie":         {"HTTP/1.1 500 X\r\nSet-Cookie: \x01=;;\r\nContent-Length: 2\r\n\r\n{}", bad},
	} {
		for _, args := range []string{"init --type flask --json", "labels --json", "deploy --json --verbose", "start --project-id x --json"} {
			t.Run(name+"/"+args, func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, nil)
				if !strings.HasPrefix(args, "init") {
					p = newPlace(t, map[string]string{"ploomber-cloud.json": myProject})
				}
				p.environ = append(p.environ, "PLOOMBER_CLOUD_API_URL="+rawServer(t, tc.reply, tc.more))
				exit, _, stderr := p.run(t, "", strings.Fields(args)...)
				failures := 0
				for line := range strings.Lines(stderr) {
					var object map[string]any
					if err := json.Unmarshal([]byte(line), &object); err != nil {
						t.Errorf("a line is not a JSON object: %q", line)
					}
					if _, failed := object["error"]; failed {
						failures++
					}
				}
				if want := min(exit, 1); failures != want {
					t.Errorf("%d failures told, want %d; exit status %d", failures, want, exit)
				}
			})
		}
	}
}
