package bundle_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

// TestMemoryIsBounded packs a file of 200 MB, half of it random, and looks at the heap all the while. It is not
// parallel, so that the heap is its own.
func TestMemoryIsBounded(t *testing.T) {
	const size, limit = 200_000_000, 32 << 20 // bytes
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "big.bin"))
	if err != nil {
		t.Fatal(err)
	}
	noise := random(1, 1<<20)
	for n := 0; n < size/2; n += len(noise) {
		if _, err := f.Write(noise); err != nil { // the same MiB again is out of deflate's sight
			t.Fatal(err)
		}
	}
	if err := f.Truncate(size); err != nil { // zeros, which take no space on disk
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	l := plan(t, dir, bundle.Rules{})
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	peak, blocks := uint64(0), 0
	stats, err := bundle.Write(t.Context(), io.Discard, l, bundle.Options{Workers: 2, Progress: func(int64, int64) {
		if blocks++; blocks%16 == 0 {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapInuse)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if stats.Bytes != size || stats.Size > size/2+5<<20 {
		t.Errorf("stats %+v", stats)
	}
	if used := peak - min(peak, before.HeapInuse); used > limit {
		t.Errorf("%d MB of heap for a file of %d MB", used>>20, size/1_000_000)
	}
}

// BenchmarkWrite50MB packs small sources, tables and packed data in the shares of docs/benchmarks.md.
func BenchmarkWrite50MB(b *testing.B) {
	dir := b.TempDir()
	write := func(name string, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for i := range uint64(2000) {
		write(fmt.Sprintf("src/p%d/m%d.py", i%40, i), text(i, 5000))
	}
	for i := range uint64(7) {
		write(fmt.Sprintf("data/t%d.csv", i), text(i, 2_857_000))
		write(fmt.Sprintf("data/i%d.png", i), random(i, 2_857_000))
	}
	l, err := bundle.Plan(b.Context(), dir, bundle.Rules{})
	if err != nil {
		b.Fatal(err)
	}
	_, size := l.Total()
	b.SetBytes(size)
	for b.Loop() {
		if _, err := bundle.Write(b.Context(), io.Discard, l, bundle.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
