// Package browser drives a headless Chromium, as far as tests of pages need it: open, read, click, look. The browser reaches
// this machine only, so a page that needs the internet fails.
package browser

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrNone says that the machine has no Chromium.
var ErrNone = errors.New("no chromium on PATH")

// Browser is one running Chromium.
type Browser struct{ ctx context.Context }

// Start runs the machine's Chromium with a profile of its own in dir. The error wraps ErrNone where there is
// none. ctx bounds the start only; call Close.
func Start(ctx context.Context, dir string) (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.WindowSize(1200, 800), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("host-resolver-rules", "MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("allow-pre-commit-input", true), // else keys that come before the first picture of a page are dropped
	})...)
	b := &Browser{}
	b.ctx, _ = chromedp.NewContext(allocator)
	stop := context.AfterFunc(ctx, func() { _ = b.Close() })
	defer stop()
	if err := chromedp.Do(b.ctx); err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return b, nil
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// Close ends the browser, and returns once nothing writes to its profile any more.
func (b *Browser) Close() error {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	return chromedp.Cancel(ctx)
}
