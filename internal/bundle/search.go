package bundle

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/bundle/secrets"
)

// search looks into every file that ships and leaves out those with a private key, as packing does.
func (p *planner) search() error {
	var scanner secrets.Scanner
	buffer := make([]byte, blockSize)
	kept := p.listing.Entries[:0]
	for _, e := range p.listing.Entries {
		if e.Ships && e.Rule.Kind != Allowed {
			found, err := p.searchFile(&e, &scanner, buffer)
			switch {
			case isGone(err):
				continue // removed since
			case errors.Is(err, errReplaced), errors.Is(err, errChanged):
				e.Ships, e.Missed, e.Rule = false, true, Rule{Kind: Changed, Detail: errReplaced.Error()}
			case err != nil:
				return err
			}
			if found.Detail != "" {
				e.Ships, e.Missed, e.Rule = false, !found.Spare, secretRule(found)
				p.listing.secrets = append(p.listing.secrets, e.info)
			}
		}
		kept = append(kept, e)
	}
	p.listing.Entries = kept
	return nil
}

func (p *planner) searchFile(e *Entry, scanner *secrets.Scanner, buffer []byte) (secrets.Finding, error) {
	f, info, err := p.listing.openPlanned(p.top.root, e)
	if err != nil {
		return secrets.Finding{}, err
	}
	defer func() { _ = f.Close() }()
	scanner.Start(info.Size(), e.Name, e.file)
	for left := info.Size(); left > 0; { // a file that grows meanwhile has an end nevertheless
		if err := p.ctx.Err(); err != nil {
			return secrets.Finding{}, err
		}
		n, err := io.ReadFull(f, buffer[:min(left, blockSize)])
		if found := scanner.Next(buffer[:n]); found.Detail != "" {
			return found, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return secrets.Finding{}, nil
		}
		if err != nil {
			return secrets.Finding{}, readingError(e, err)
		}
		left -= int64(n)
	}
	return secrets.Finding{}, nil
}

// checkSecrets makes sure that each of Rules.AllowSecrets is there and has an effect.
func (p *planner) checkSecrets() error {
	entries := p.listing.Entries
	for _, name := range p.allowed {
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
		switch {
		case i >= 0:
			if slices.Contains(p.shipAnyway, name) && p.isHarmless(entries[i]) {
				return fmt.Errorf("%s does not look like a secret, so it need not be allowed", name)
			}
		case slices.ContainsFunc(entries, func(e Entry) bool { return strings.HasPrefix(e.Name, name+"/") }):
			return fmt.Errorf("%s is a folder; allow its files by name, such as %s/FILE", name, name)
		default:
			return fmt.Errorf("cannot ship %s: %w", name, fs.ErrNotExist)
		}
	}
	return nil
}

// isHarmless reports whether a file that is allowed by name would ship by its content too. A link may lead to a secret,
// and packing tells of a file that cannot be read.
func (p *planner) isHarmless(e Entry) bool {
	if !e.Ships || e.file != e.Name || p.listing.holdsSecret(e.info) {
		return false
	}
	if ok, err := p.looksHarmless(&e); !ok || err != nil {
		return false
	}
	found, err := p.searchFile(&e, new(secrets.Scanner), make([]byte, blockSize))
	return err == nil && found.Detail == ""
}
