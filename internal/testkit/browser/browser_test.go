package browser_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
)

const page = `<!doctype html><title>t</title><p>plain <b>words</b></p><div id="host"></div>
<img src="https://elsewhere.test/x.png">
<script>
  const root = host.attachShadow({mode: "open"});
  root.innerHTML = "<style>p { color: red }</style><p>hidden in a shadow</p><a href='/next'>Go on</a>";
  setTimeout(() => { throw new Error("on purpose") }, 0);
</script>`

func TestBrowser(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b, err := browser.Start(ctx, t.TempDir())
	if errors.Is(err, browser.ErrNone) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	p, err := b.Open(ctx, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"plain words", "hidden in a shadow"} {
		if err := p.WaitForText(ctx, words); err != nil {
			t.Error(err)
		}
	}
	var sum int
	if err := p.Eval(ctx, "Promise.resolve(1 + 2)", &sum); err != nil || sum != 3 {
		t.Errorf("%d, %v", sum, err)
	}
	if err := p.Eval(ctx, "nothing.at.all", nil); err == nil || !strings.Contains(err.Error(), "nothing is not defined") {
		t.Errorf("error %v", err)
	}
	if got := p.Outside(); len(got) != 1 || got[0] != "https://elsewhere.test/x.png" {
		t.Errorf("outside %q", got)
	}
	if got := p.Thrown(); len(got) != 1 || !strings.Contains(got[0], "on purpose") {
		t.Errorf("thrown %q", got)
	}
	if shot, err := p.Screenshot(ctx); err != nil || !bytes.HasPrefix(shot, []byte("\x89PNG")) {
		t.Errorf("%d bytes, %v", len(shot), err)
	}
	if err := p.Click(ctx, "go ON"); err != nil {
		t.Fatal(err)
	}
	for got := ""; got != "GET /next"; {
		select {
		case got = <-asked:
		case <-ctx.Done():
			t.Fatal("the link asked for nothing")
		}
	}
	impatient, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := p.WaitForText(impatient, "never there"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "plain words") {
		t.Errorf("error %v", err)
	}
}
