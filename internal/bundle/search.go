package bundle

import (
	"errors"
	"io"
	"io/fs"

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
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed since
			}
			if err != nil {
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
	f, err := openEntry(p.top.root, e)
	if err != nil {
		return secrets.Finding{}, p.readError(e.Name, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return secrets.Finding{}, err // packing does not take it either
	}
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
			return secrets.Finding{}, p.readError(e.Name, err)
		}
		left -= int64(n)
	}
	return secrets.Finding{}, nil
}
