package bundle

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"github.com/klauspost/compress"
	"github.com/klauspost/compress/flate"
)

const (
	blockSize   = 1 << 20  // bytes that are compressed at a time
	historySize = 32 << 10 // deflate looks back so far; keeps blocks as small as one stream would be
	sampleSize  = 4 << 10

	defaultLevel = 6 // about as small as zlib at its level 6, for a quarter of the time
)

// block is a piece of a file on its way through the pipeline. Its buffers are reused.
type block struct {
	entry       *Entry
	info        fs.FileInfo // of the open file
	first, last bool
	history     []byte // what precedes the block in its file, at most historySize
	in          []byte
	sum         uint32 // CRC-32 of the file up to the end of this block
	size        uint64 // of the whole file

	out    bytes.Buffer // the compressed block, if packed is set
	packed bool
	done   chan struct{} // receives one value when the block is compressed
}

func (b *block) start(e *Entry, info fs.FileInfo, first, last bool) {
	b.entry, b.info, b.first, b.last = e, info, first, last
}

// space returns in with space for n bytes.
func (b *block) space(n int64) []byte {
	if int64(cap(b.in)) < n {
		b.in = make([]byte, n, max(n, min(blockSize, 2*n)))
	}
	b.in = b.in[:n]
	return b.in
}

// compressor keeps its writer, since creating one for each file would be several times slower.
type compressor struct{ deflate *flate.Writer }

// newCompressor makes a compressor for a level from 1 to 9, or with 0 for the default.
func newCompressor(level int) (*compressor, error) {
	if level == 0 {
		level = defaultLevel
	}
	w, err := flate.NewWriter(nil, level)
	return &compressor{w}, err
}

// compress sets out and packed. A block that others follow ends on a whole byte, the last one ends the stream.
func (c *compressor) compress(b *block) error {
	b.out.Reset()
	b.packed = false
	if len(b.in) == 0 || isPacked(b.entry.Name, b.in) {
		return nil
	}
	w := c.deflate
	w.ResetDict(&b.out, b.history) // Reset would restore the history of the block before
	if _, err := w.Write(b.in); err != nil {
		return err
	}
	end := w.Flush
	if b.last {
		end = w.Close
	}
	if err := end(); err != nil {
		return err
	}
	b.packed = b.out.Len() < len(b.in)
	return nil
}

// isPacked reports whether compressing is not worth the time: it samples the content, which must look less random
// if the name suggests a compressed format. A misleading name does no harm.
func isPacked(name string, in []byte) bool {
	if len(in) < 512 {
		return false
	}
	worth := 0.05 // compress.Estimate: near 0 is random, above 0.1 likely compressible
	if packedFormat(name) {
		worth = 0.3
	}
	for at := 0; at < len(in); at += max(sampleSize, len(in)/8) {
		if compress.Estimate(in[at:min(len(in), at+sampleSize)]) > worth {
			return false
		}
	}
	return true
}

func packedFormat(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".lz4", ".br", ".7z", ".rar", ".whl", ".egg", ".jar",
		".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".heic", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".flac",
		".mp4", ".m4v", ".mov", ".mkv", ".webm", ".woff", ".woff2", ".parquet", ".npz", ".docx", ".xlsx", ".pptx",
		".odt", ".ods", ".epub", ".pdf":
		return true
	}
	return false
}
