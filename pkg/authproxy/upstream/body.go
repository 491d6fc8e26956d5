package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// spliceFrom is the size in bytes of what is left of a body from which on the kernel moves it by itself.
const spliceFrom = 64 << 10

// copyBody passes the body on. What the app sends in pieces arrives in pieces: each is flushed unless the next is
// there already.
func (d *Direct) copyBody(w http.ResponseWriter, c *conn, h *response) error {
	switch h.body {
	case sized:
		return d.copySized(w, c, h.length)
	case chunked:
		return copyChunks(w, c, h)
	case untilClose:
		for {
			if err := writeBuffered(w, c, len(c.buffered()), true); err != nil {
				return err
			}
			if err := c.fill(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
	default:
		return nil
	}
}

func (d *Direct) copySized(w http.ResponseWriter, c *conn, n int64) error {
	first := min(int64(len(c.buffered())), n)
	n -= first
	// A header alone is not flushed: most apps write it apart from the body, which follows at once.
	if err := writeBuffered(w, c, int(first), first > 0 && n > 0); err != nil || n == 0 {
		return err
	}
	if tcp, ok := c.Conn.(*net.TCPConn); ok && n >= spliceFrom {
		if rf, ok := w.(io.ReaderFrom); ok {
			c.spliced.Store(true)
			moved, err := rf.ReadFrom(&io.LimitedReader{R: tcp, N: n})
			c.spliced.Store(false)
			if err == nil && moved < n {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	buf := d.large.get()
	defer d.large.put(buf)
	for n > 0 {
		m, err := c.Read((*buf)[:min(int64(len(*buf)), n)])
		n -= int64(m)
		if m > 0 {
			if _, werr := w.Write((*buf)[:m]); werr != nil {
				return werr
			}
			if n > 0 {
				flush(w)
			}
		}
		if err != nil && n > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// writeBuffered passes on n bytes of what has been read.
func writeBuffered(w http.ResponseWriter, c *conn, n int, more bool) error {
	if n > 0 {
		_, err := w.Write(c.buf[c.r : c.r+n])
		c.r += n
		if err != nil {
			return err
		}
	}
	if more {
		flush(w)
	}
	return nil
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// copyChunks decodes a chunked body (RFC 9112, section 7.1); the server encodes it anew.
func copyChunks(w http.ResponseWriter, c *conn, h *response) error {
	for {
		line, err := c.readLine(maxChunkLine, w)
		if err != nil {
			return err
		}
		size, err := parseChunkSize(line)
		if err != nil {
			return err
		}
		if size == 0 {
			return copyTrailers(w, c)
		}
		for size > 0 {
			if len(c.buffered()) == 0 {
				flush(w)
				if err := c.fill(); err != nil {
					return unexpected(err)
				}
			}
			n := min(int64(len(c.buffered())), size)
			if err := writeBuffered(w, c, int(n), false); err != nil {
				return err
			}
			size -= n
		}
		if line, err := c.readLine(maxChunkLine, w); err != nil {
			return err
		} else if line != "" {
			return fmt.Errorf("%w: chunk longer than it says", ErrMalformed)
		}
	}
}

const (
	maxChunkLine = 1 << 10 // bytes of a line between chunks
	maxTrailer   = 2 << 10 // bytes of a line behind the last
	maxTrailers  = 32      // such lines
)

// readLine returns a line without its end. It flushes w before it has to wait for the app; w may be nil.
func (c *conn) readLine(limit int, w http.ResponseWriter) (string, error) {
	for {
		if i := bytes.IndexByte(c.buffered(), '\n'); i >= 0 {
			line := string(c.buffered()[:i])
			c.r += i + 1
			if line, ok := strings.CutSuffix(line, "\r"); ok && strings.IndexByte(line, '\r') < 0 {
				return line, nil
			}
			return "", fmt.Errorf("%w: line in a chunked body without CR LF", ErrMalformed)
		}
		if len(c.buffered()) > limit {
			return "", fmt.Errorf("%w: line of more than %d bytes in a chunked body", ErrMalformed, limit)
		}
		if w != nil {
			flush(w)
		}
		if err := c.fill(); err != nil {
			return "", unexpected(err)
		}
	}
}

var errChunkSize = fmt.Errorf("%w: the size of a chunk is not a hexadecimal number of at most 15 digits", ErrMalformed)

// parseChunkSize reads "1a;name=value". Extensions are dropped.
func parseChunkSize(line string) (int64, error) {
	digits, _, _ := strings.Cut(line, ";")
	digits = strings.TrimRight(digits, " \t")
	if digits == "" || len(digits) > 15 {
		return 0, errChunkSize
	}
	var n int64
	for i := 0; i < len(digits); i++ {
		c := digits[i]
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int64(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int64(c|0x20-'a'+10)
		default:
			return 0, errChunkSize
		}
	}
	return n, nil
}

// copyTrailers passes on what follows the last chunk, except for what would change the meaning of the header.
func copyTrailers(w http.ResponseWriter, c *conn) error {
	for range maxTrailers {
		line, err := c.readLine(maxTrailer, nil)
		if err != nil || line == "" {
			return err
		}
		flush(w) // else the server may give a short body a length, and trailers would be lost
		f, err := c.parseField(line)
		if err != nil {
			return err
		}
		switch f.name {
		case "Content-Length", "Transfer-Encoding", "Trailer", "Host", "Connection", "Upgrade", "Set-Cookie", "Content-Encoding",
			"Content-Type", "Content-Range", "Cache-Control", "Authorization", "Www-Authenticate", "Location":
		default:
			w.Header().Add(http.TrailerPrefix+f.name, f.value)
		}
	}
	return fmt.Errorf("%w: more than %d trailers", ErrMalformed, maxTrailers)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
