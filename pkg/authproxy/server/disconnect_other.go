//go:build !unix

package server

import (
	"net/http"
	"time"
)

const lookEvery time.Duration = 0

// disconnects leaves it to net/http to notice disconnects.
type disconnects struct{}

func newDisconnects(time.Duration) *disconnects { return nil }

func (*disconnects) follow(*http.Server) {}
