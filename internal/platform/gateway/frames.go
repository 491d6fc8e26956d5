package gateway

import "encoding/binary"

// frames follows what a client sends over a WebSocket (RFC 6455, section 5.2), to tell what its user does from what its
// browser does by itself. The zero value is at the start of the first frame.
type frames struct {
	start   [maxHeader + maxHeartbeat]byte // of the frame: its header, and its payload if that may be a heartbeat
	have    int                            // bytes of start that have come
	left    uint64                         // bytes of the payload that are still to come, once start is complete
	ignored bool                           // the payload is not data
}

const (
	maxHeader    = 14
	maxHeartbeat = 3 // bytes of payload
)

// next reads the next piece of what the client sends. It reports whether there is data for the app in it. Pings, pongs and
// closes are none, nor are the heartbeats of Engine.IO.
func (f *frames) next(p []byte) (data bool) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			f.left -= n
			p = p[n:]
			data = data || !f.ignored
			continue
		}
		n := copy(f.start[f.have:f.startSize()], p)
		f.have += n
		p = p[n:]
		if f.have < f.startSize() { // which may have grown with what has come
			continue
		}
		f.ignored = f.isControl() || f.isHeartbeat()
		data = data || !f.ignored
		f.left = f.payloadSize() - uint64(f.have-f.headerSize())
		f.have = 0
	}
	return data
}

// startSize is how many bytes of the frame are needed in start, as far as is known yet.
func (f *frames) startSize() int {
	size := f.headerSize()
	if f.have >= size && f.mayBeHeartbeat() {
		size += int(f.payloadSize())
	}
	return size
}

// headerSize is the size of the header in bytes, as far as is known yet.
func (f *frames) headerSize() int {
	if f.have < 2 {
		return 2
	}
	size := 2
	switch f.start[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.start[1]&0x80 != 0 {
		size += 4 // the mask
	}
	return size
}

// payloadSize is the size of the payload in bytes. The header has to be complete.
func (f *frames) payloadSize() uint64 {
	switch short := f.start[1] & 0x7f; short {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.start[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.start[2:])
	default:
		return uint64(short)
	}
}

func (f *frames) isControl() bool { return f.start[0]&0x08 != 0 }

// mayBeHeartbeat reports whether the frame is a short and complete text.
func (f *frames) mayBeHeartbeat() bool {
	const final, text = 0x80, 0x1
	return f.start[0]&(final|0x0f) == final|text && f.payloadSize() <= maxHeartbeat
}

// isHeartbeat reports whether the frame is a ping or a pong of Engine.IO, "2" or "3", on which Socket.IO and Chainlit are
// built. Browsers compress every message where the app allows it (RFC 7692).
func (f *frames) isHeartbeat() bool {
	if !f.mayBeHeartbeat() {
		return false
	}
	header := f.headerSize()
	payload := [maxHeartbeat]byte{}
	n := copy(payload[:], f.start[header:f.have])
	if f.start[1]&0x80 != 0 {
		for i := range n {
			payload[i] ^= f.start[header-4+i]
		}
	}
	switch string(payload[:n]) {
	case "2", "3":
		return f.start[0]&0x70 == 0
	case "\x32\x02\x00", "\x32\x06\x00": // the same, compressed
		return f.start[0]&0x70 == 0x40
	default:
		return false
	}
}
