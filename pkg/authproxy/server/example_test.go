package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// A server is drained before the program ends.
func Example() {
	ctx := context.Background()
	l, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s := server.Serve(l, server.Options{Now: time.Now, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	})})
	response, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	fmt.Println(string(body), s.Shutdown(ctx))
	// Output: hello <nil>
}
