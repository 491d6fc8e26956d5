// Package nginx runs the machine's nginx from a folder of its own, beside any other: nothing of it is read from or
// written to the system's places. It must not know what the configuration is about.
package nginx

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// Need skips the test where the machine has no nginx, or fails it where PLOOMBER_TEST_REQUIRE is set.
func Need(t testing.TB) {
	t.Helper()
	if _, err := find(); err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// find looks where Debian keeps nginx too: the path of ordinary users may lack that folder.
func find() (string, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/nginx")
	}
	if err != nil {
		return "", errors.New("no nginx on PATH")
	}
	return path, nil
}

// Server is a running nginx.
type Server struct {
	Addr string // 127.0.0.1:PORT

	log *output.Buffer
}

// Log is what nginx has said so far.
func (s *Server) Log() string { return s.log.String() }

// Port is a listener whose port nginx takes over, so that nobody else can have it in between.
type Port struct{ l *net.TCPListener }

// Listen finds a free port of 127.0.0.1.
func Listen(t testing.TB) Port {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return Port{l}
}

// Addr is 127.0.0.1:PORT, for the configuration's listen.
func (p Port) Addr() string { return p.l.Addr().String() }

// Start runs nginx until the test ends. inHTTP is what the http block holds; in it something listens on p.
func Start(t testing.TB, p Port, inHTTP string) *Server {
	t.Helper()
	Need(t)
	said := &output.Buffer{}
	c := command(t, inHTTP, said)
	socket, err := p.l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	// nginx takes over the sockets that this variable names, as from the process that it replaces in an upgrade.
	// Clients that connect before it is ready wait in the listener's queue, so there is no need to poll.
	endWithTest(c)
	c.ExtraFiles, c.Env = []*os.File{socket}, append(c.Environ(), "NGINX=3;")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // how it ended is in c.ProcessState
	}()
	t.Cleanup(func() {
		select {
		case <-ended:
			t.Errorf("nginx ended by itself: %v\n%s", c.ProcessState, said)
			return
		default:
		}
		_ = c.Process.Signal(syscall.SIGTERM) // the master ends its workers
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = c.Process.Kill()
			t.Errorf("nginx does not end\n%s", said)
		}
	})
	_ = p.l.Close() // else a connection could wait here for someone who never accepts it
	return &Server{Addr: p.Addr(), log: said}
}

// Check has nginx read a configuration and returns what it says: nothing where all is well.
func Check(t testing.TB, inHTTP string) string {
	t.Helper()
	Need(t)
	said := &output.Buffer{}
	c := command(t, inHTTP, said)
	c.Args = append(c.Args, "-t", "-q")
	if err := c.Run(); err != nil {
		return fmt.Sprintf("%v\n%s", err, said)
	}
	return said.String()
}

// command is nginx in the foreground, with all its files in a folder of the test and with the test's user for the
// worker too, which could not read that folder otherwise. (As a single process nginx crashes on sockets that it
// takes over.)
func command(t testing.TB, inHTTP string, said *output.Buffer) *exec.Cmd {
	t.Helper()
	path, err := find()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "    %s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	as := ""
	if who, err := user.Current(); err == nil && who.Uid == "0" { // of others nginx says that it makes no difference
		as = "user " + who.Username + " " + who.Username + ";\n"
	}
	config := fmt.Sprintf("%sdaemon off;\nworker_processes 1;\npid %s;\nerror_log stderr info;\nevents { worker_connections 512; }\n"+
		"http {\n%s    access_log off;\n%s\n}\n", as, filepath.Join(dir, "pid"), temp.String(), inHTTP)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, "-p", dir, "-c", file, "-e", "stderr")
	c.Stderr, c.Stdout, c.WaitDelay = said, said, 10*time.Second
	return c
}
