package nginx_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
)

func TestStart(t *testing.T) {
	t.Parallel()
	port := nginx.Listen(t)
	s := nginx.Start(t, port, "server { listen "+port.Addr()+"; location / { return 200 here; } }")
	answer, err := http.Get("http://" + s.Addr)
	if err != nil {
		t.Fatal(err, s.Log())
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "here" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if said := nginx.Check(t, "server { listen 127.0.0.1:1; }"); said != "" {
		t.Error(said)
	}
	if said := nginx.Check(t, "server { nonsense; }"); !strings.Contains(said, `unknown directive "nonsense"`) {
		t.Errorf("says %q", said)
	}
}
