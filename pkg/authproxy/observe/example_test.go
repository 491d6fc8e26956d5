package observe_test

import (
	"log/slog"
	"net/http/httptest"
	"os"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
)

func ExampleLog_Request() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := observe.Log{Logger: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(requestid.Header, "a1b2")
	log.Request(r, slog.LevelWarn, "credentials refused", slog.String("scope", "api"))
	// Output: level=WARN msg="credentials refused" scope=api request=a1b2
}
