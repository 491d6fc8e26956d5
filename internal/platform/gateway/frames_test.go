package gateway

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"slices"
	"testing"
)

// frame is one as a browser sends it.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n)|0x80)
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126|0x80), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127|0x80), uint64(n))
	}
	mask := []byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, mask...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// compressed is what permessage-deflate makes of a message (RFC 7692, section 7.2.1).
func compressed(t *testing.T, message string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(message))
	_ = w.Flush()
	return string(bytes.TrimSuffix(out.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

func TestFrames(t *testing.T) {
	t.Parallel()
	long := string(make([]byte, 70_000))
	for name, tc := range map[string]struct {
		sent []byte
		data bool
	}{
		"text":                     {frame(0x81, "hello"), true},
		"binary":                   {frame(0x82, "\x01"), true},
		"empty text":               {frame(0x81, ""), true},
		"fragment":                 {frame(0x01, "3"), true},
		"continuation":             {frame(0x80, "lo"), true},
		"medium":                   {frame(0x82, long[:300]), true},
		"long":                     {frame(0x82, long), true},
		"compressed":               {frame(0xc1, compressed(t, "hello")), true},
		"ping":                     {frame(0x89, ""), false},
		"pong":                     {frame(0x8a, "ping-1"), false},
		"close":                    {frame(0x88, "\x03\xe8bye"), false},
		"heartbeat":                {frame(0x81, "3"), false},
		"heartbeat of a client":    {frame(0x81, "2"), false},
		"message of one character": {frame(0x81, "4"), true},
		"binary like a heartbeat":  {frame(0x82, "3"), true},
		"compressed heartbeat":     {frame(0xc1, compressed(t, "3")), false},
		"compressed heartbeat 2":   {frame(0xc1, compressed(t, "2")), false},
		"compressed message":       {frame(0xc1, compressed(t, "4")), true},
		"not compressed":           {frame(0x81, compressed(t, "3")), true},
		"data after control":       {slices.Concat(frame(0x8a, "x"), frame(0x81, "3"), frame(0x81, "x")), true},
		"control after control":    {slices.Concat(frame(0x8a, "x"), frame(0x81, "3"), frame(0x89, "")), false},
		"unmasked heartbeat":       {[]byte{0x81, 1, '3'}, false},
		"unmasked":                 {[]byte{0x81, 1, 'x'}, true},
	} {
		for _, piece := range []int{1, 2, 3, 7, len(tc.sent)} { // however the network cuts it
			var f frames
			data := false
			for part := range slices.Chunk(tc.sent, piece) {
				data = f.next(part) || data
			}
			if data != tc.data || f.left != 0 || f.have != 0 {
				t.Errorf("%s in pieces of %d: data %v, want %v; %d bytes left, %d kept", name, piece, data, tc.data, f.left, f.have)
			}
		}
	}
}

// FuzzFrames: it does not matter how the network cuts the bytes.
func FuzzFrames(f *testing.F) {
	f.Add(slices.Concat(frame(0x81, "hello"), frame(0x8a, "x"), frame(0x81, "3")), uint8(3))
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5}, uint8(1))
	f.Add([]byte{0x81, 126, 0, 1, '3', 0x88}, uint8(2))
	f.Fuzz(func(t *testing.T, sent []byte, piece uint8) {
		if len(sent) == 0 {
			return
		}
		var whole, cut frames
		want, got := whole.next(sent), false
		for part := range slices.Chunk(sent, max(1, int(piece))) {
			got = cut.next(part) || got
		}
		if got != want || cut.left != whole.left || cut.have != whole.have {
			t.Fatalf("in one piece: data %v, %d left; in pieces of %d: %v, %d", want, whole.left, piece, got, cut.left)
		}
	})
}
