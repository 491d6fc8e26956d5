package dotenv

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// peer is a running python-dotenv. Requests are answered one after another; safe for concurrent use.
type peer struct {
	mu  sync.Mutex
	in  *json.Encoder
	out *bufio.Reader
}

// reading is what python-dotenv reads from a file.
type reading struct {
	Values [][2]*string `json:"values"`
	Raw    [][2]*string `json:"raw"` // before expansion
	Lines  []int        `json:"lines"`
	Error  string       `json:"error"`
}

// startPeer starts the Python of PLOOMBER_TEST_PYTHON, which must have python-dotenv. Without it the test is
// skipped, and fails where PLOOMBER_TEST_REQUIRE is set.
func startPeer(t testing.TB) *peer {
	t.Helper()
	python := os.Getenv("PLOOMBER_TEST_PYTHON")
	if python == "" {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal("PLOOMBER_TEST_PYTHON must name a Python with python-dotenv")
		}
		t.Skip("PLOOMBER_TEST_PYTHON names no Python with python-dotenv")
	}
	cmd := exec.Command(python, filepath.Join(testdata, "read.py"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", python, err)
		}
	})
	return &peer{in: json.NewEncoder(in), out: bufio.NewReaderSize(out, 1<<16)}
}

// read has python-dotenv read data.
func (p *peer) read(t fataler, data []byte, env map[string]string) reading {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	request := struct {
		Data []byte            `json:"data"`
		Env  map[string]string `json:"env"`
	}{data, env}
	if err := p.in.Encode(request); err != nil {
		t.Fatalf("python-dotenv: %v", err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("python-dotenv, file %q: %v", data, err)
	}
	var r reading
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("python-dotenv: %v", err)
	}
	return r
}

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// pairs turns what python-dotenv reads into what Values returns.
func pairs(values [][2]*string) []Pair {
	list := make([]Pair, len(values))
	for i, v := range values {
		list[i] = Pair{Key: *v[0], Null: v[1] == nil}
		if v[1] != nil {
			list[i].Value = *v[1]
		}
	}
	return list
}
