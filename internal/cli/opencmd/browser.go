package opencmd

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Browser starts the user's browser.
type Browser struct {
	OS     string // as runtime.GOOS
	Lookup func(name string) (string, bool)
	// Start runs a program that passes on a URL and exits right away. Its error means that this failed.
	Start func(ctx context.Context, program string, args ...string) error
}

// Open opens an address returned by Safe, and nothing else, in the browser.
func (b Browser) Open(ctx context.Context, address string) error {
	if safe, err := Safe(address); err != nil || safe != address {
		return errors.New("not a checked address")
	}
	switch b.OS {
	case "darwin":
		return b.Start(ctx, "open", address)
	case "windows": // not 'cmd /c start', which would treat & in the URL as the end of the command
		return b.Start(ctx, "rundll32", "url.dll,FileProtocolHandler", address)
	}
	if !b.set("DISPLAY") && !b.set("WAYLAND_DISPLAY") && !b.set("WSL_DISTRO_NAME") {
		return errors.New("no display available")
	}
	return b.Start(ctx, "xdg-open", address)
}

func (b Browser) set(variable string) bool { v, _ := b.Lookup(variable); return v != "" }

// Safe returns address if it is safe to pass to a program: an http or https URL with a host, without credentials,
// made of plain URL characters only. Addresses come from the platform, and the programs that start browsers would
// also open files or run programs.
func Safe(address string) (string, error) {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil {
		if safe := u.String(); !strings.ContainsFunc(safe, foreign) {
			return safe, nil
		}
	}
	return "", failure.Failedf("refusing to open this, because it is not a web address: %s", term.Printable(address))
}

// foreign reports whether r is not allowed in a URL by RFC 3986. Quotes are allowed in a path, but have a meaning
// in shells.
func foreign(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("-._~:/?#[]@!$&()*+,;=%", r)
}
