package authproxy_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// When a client disconnects, the app learns of it, whatever it is doing and however the connection ends. Other requests
// go on.
func TestClientDisconnects(t *testing.T) {
	t.Parallel()
	for how, leave := range map[string]func(*net.TCPConn) error{
		"closes":       (*net.TCPConn).Close,
		"says the end": (*net.TCPConn).CloseWrite,
		"resets": func(c *net.TCPConn) error {
			_ = c.SetLinger(0)
			return c.Close()
		},
	} {
		for _, path := range []string{"/silent", "/stream", "/length"} {
			t.Run(how+path, func(t *testing.T) {
				t.Parallel()
				e := newEvents(t)
				env := newEnvironment(t, mainApp(), e)
				stays := env.connect("/silent")
				defer stays.Close()
				receive(t, e.arrived, "a request to arrive at the app")
				goes := env.connect(path)
				defer goes.Close()
				receive(t, e.arrived, "a request to arrive at the app")
				if err := leave(goes); err != nil {
					t.Fatal(err)
				}
				if gone := receive(t, e.gone, "the app to learn that a request is over"); gone != path {
					t.Errorf("the app has lost %s", gone)
				}
				select {
				case <-e.gone:
					t.Error("the app has lost the other client too")
				default:
				}
				if said := env.logs.String(); strings.Contains(said, "not reached") || strings.Contains(said, "level=ERROR") {
					t.Errorf("logged as a fault: %s", said)
				}
			})
		}
	}
}

// A client that has sent its next request already is still there.
func TestPipelinedRequestIsNotADisconnect(t *testing.T) {
	t.Parallel()
	e := newEvents(t)
	defer e.cut() // a disconnect behind bytes that have not been read goes unnoticed
	env := newEnvironment(t, mainApp(), e)
	pipelines := env.connect("/stream")
	defer pipelines.Close()
	receive(t, e.arrived, "a request to arrive at the app")
	if _, err := fmt.Fprintf(pipelines, "GET /next HTTP/1.1\r\nHost: %s\r\n\r\n", env.host); err != nil {
		t.Fatal(err)
	}
	goes := env.connect("/silent")
	receive(t, e.arrived, "a request to arrive at the app")
	_ = goes.Close()
	if gone := receive(t, e.gone, "the app to learn that a request is over"); gone != "/silent" { // one run of the reaper checks both
		t.Errorf("the app has lost %s", gone)
	}
}

// connect sends a request and does not wait for the answer.
func (env *environment) connect(path string) *net.TCPConn {
	env.t.Helper()
	c, err := net.Dial("tcp", env.host)
	if err != nil {
		env.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", path, env.host, asBasic(user, pass)); err != nil {
		env.t.Fatal(err)
	}
	return c.(*net.TCPConn)
}
