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
	// Start runs a program that hands an address on and ends at once. Its error says that it could not.
	Start func(ctx context.Context, program string, args ...string) error
}

// Open shows an address of Safe, and nothing else, in the browser.
func (b Browser) Open(ctx context.Context, address string) error {
	if safe, err := Safe(address); err != nil || safe != address {
		return errors.New("not a checked address")
	}
	switch b.OS {
	case "darwin":
		return b.Start(ctx, "open", address)
	case "windows": // not 'cmd /c start', which would read & in the address as the end of a command
		return b.Start(ctx, "rundll32", "url.dll,FileProtocolHandler", address)
	}
	if !b.set("DISPLAY") && !b.set("WAYLAND_DISPLAY") && !b.set("WSL_DISTRO_NAME") {
		return errors.New("there is no display")
	}
	return b.Start(ctx, "xdg-open", address)
}

func (b Browser) set(variable string) bool { v, _ := b.Lookup(variable); return v != "" }

// Safe returns address as a program may get it: an http or https URL with a host, without user and password,
// of plain URL characters alone. Addresses come from the platform, and what starts browsers would open files
// and run programs just as well.
func Safe(address string) (string, error) {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil {
		if safe := u.String(); !strings.ContainsFunc(safe, foreign) {
			return safe, nil
		}
	}
	return "", failure.Failedf("this is not the address of a page, so it is not opened: %s", term.Printable(address))
}

// foreign tells whether RFC 3986 has no place for r. Quotes have one in a path, but shells read them too.
func foreign(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("-._~:/?#[]@!$&()*+,;=%", r)
}
