module github.com/ploomber/ploomber-cloud/internal/dev/proxybench

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/ploomber/ploomber-cloud v0.0.0
	golang.org/x/crypto v0.58.0
	golang.org/x/sync v0.24.0
)

replace github.com/ploomber/ploomber-cloud => ../../..
