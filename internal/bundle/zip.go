package bundle

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"math"
	"time"
)

// zipWriter writes blocks into a zip. A file of one block has its size and checksum before its content, and is
// stored if compressing does not help. A larger one has them after it (a data descriptor); it is always marked as
// deflated, since not every reader finds the end of a stored file then, and incompressible content goes into
// deflate's own stored blocks.
type zipWriter struct {
	zip    *zip.Writer
	header *zip.FileHeader // of the current file
	body   io.Writer
	size   uint64 // compressed bytes of it so far
}

func (z *zipWriter) add(b *block) (err error) {
	if b.first {
		z.header, z.size = header(b), 0
		if z.body, err = z.zip.CreateRaw(z.header); err != nil {
			return err
		}
	}
	switch {
	case !b.packed && b.first && b.last:
		_, err = z.body.Write(b.in)
	case !b.packed:
		err = z.store(b.in, b.last)
	default:
		z.size += uint64(b.out.Len())
		_, err = z.body.Write(b.out.Bytes())
	}
	if err == nil && b.last && !b.first {
		sizes(z.header, b.size, z.size)
		z.header.CRC32 = b.sum
	}
	return err
}

// store writes deflate blocks of type 0 (RFC 1951, 3.2.4), which hold up to 65,535 bytes each. What was written
// before ends on a whole byte.
func (z *zipWriter) store(in []byte, last bool) error {
	for len(in) > 0 {
		n := min(len(in), math.MaxUint16)
		var head [5]byte
		if last && n == len(in) {
			head[0] = 1
		}
		binary.LittleEndian.PutUint16(head[1:], uint16(n))
		binary.LittleEndian.PutUint16(head[3:], ^uint16(n))
		if _, err := z.body.Write(head[:]); err != nil {
			return err
		}
		if _, err := z.body.Write(in[:n]); err != nil {
			return err
		}
		z.size += uint64(len(head) + n)
		in = in[n:]
	}
	return nil
}

const (
	flagDescriptor = 0x8   // sizes and checksum follow the content
	flagUTF8       = 0x800 // the name is UTF-8
	version20      = 20    // deflate
	version45      = 45    // zip64
)

func header(b *block) *zip.FileHeader {
	h := &zip.FileHeader{Name: b.entry.Name, Method: zip.Deflate, CreatorVersion: version20, ReaderVersion: version20}
	h.SetMode(b.info.Mode())
	h.ModifiedDate, h.ModifiedTime = dosTime(b.info.ModTime()) //nolint:staticcheck // CreateRaw writes no other
	for i := range len(h.Name) {
		if h.Name[i] >= 0x80 {
			h.Flags |= flagUTF8
			break
		}
	}
	if !b.last {
		h.Flags |= flagDescriptor
		if b.info.Size() >= math.MaxUint32 {
			h.ReaderVersion = version45
		}
		return h
	}
	h.CRC32 = b.sum
	packed := uint64(b.out.Len())
	if !b.packed {
		h.Method, packed = zip.Store, b.size
	}
	sizes(h, b.size, packed)
	return h
}

// sizes sets both pairs: the directory of a raw file is written from the 32-bit ones.
func sizes(h *zip.FileHeader, plain, packed uint64) {
	h.UncompressedSize64, h.CompressedSize64 = plain, packed
	h.UncompressedSize = uint32(min(plain, math.MaxUint32)) //nolint:staticcheck // see above
	h.CompressedSize = uint32(min(packed, math.MaxUint32))  //nolint:staticcheck // see above
}

// dosTime gives a time as zips hold it, in steps of two seconds between 1980 and 2107. It is taken as UTC, so that
// the same project makes the same archive everywhere.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	date = uint16(t.Day() | int(t.Month())<<5 | (t.Year()-1980)<<9)
	clock = uint16(t.Second()/2 | t.Minute()<<5 | t.Hour()<<11)
	return date, clock
}
