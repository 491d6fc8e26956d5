package bench

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// Shares of the generated project, as a data scientist's folder has them.
const (
	smallFiles  = 2000
	textShare   = 0.2 // code and prose, in the small files
	tableShare  = 0.4 // CSV
	packedShare = 0.4 // images and parquet files: bytes that do not get smaller
	tableBytes  = 5_000_000
	packedBytes = 2_000_000
)

// makeProject writes a project of about size bytes. The same size gives the same bytes on every machine.
func makeProject(dir string, size int64) error {
	rng := rand.New(rand.NewPCG(45, uint64(size)))
	fixed := map[string]string{
		"ploomber-cloud.json": "{\n    \"id\": \"bench-project\",\n    \"type\": \"docker\"\n}",
		"Dockerfile":          "FROM python:3.11-slim\nCOPY . .\nCMD [\"python\", \"app.py\"]\n",
		"app.py":              "print('hello')\n",
		".env":                "GREETING=hello\n",
	}
	for name, text := range fixed {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	make := func(name string, bytes int64, fill func(*bufio.Writer, *rand.Rand, int64)) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(f, 1<<16)
		fill(w, rng, bytes)
		if err := w.Flush(); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	}
	for i := range smallFiles {
		name := fmt.Sprintf("src/part%02d/module_%04d.py", i%40, i)
		if err := make(name, int64(float64(size)*textShare/smallFiles), code); err != nil {
			return err
		}
	}
	for i := range int(float64(size) * tableShare / tableBytes) {
		if err := make(fmt.Sprintf("data/table_%03d.csv", i), tableBytes, table); err != nil {
			return err
		}
	}
	for i := range int(float64(size) * packedShare / packedBytes) {
		name, fill := fmt.Sprintf("images/plot_%03d.png", i), packed("\x89PNG\r\n\x1a\n")
		if i%2 == 1 {
			name, fill = fmt.Sprintf("data/frame_%03d.parquet", i), packed("PAR1")
		}
		if err := make(name, packedBytes, fill); err != nil {
			return err
		}
	}
	return nil
}

// code writes lines that look like a program: few words, much indentation, some numbers.
func code(w *bufio.Writer, rng *rand.Rand, size int64) {
	words := strings.Fields(`def return import from frame column value index result model train predict self
		for in if else not None True False range len append filter group merge plot figure axis label title`)
	for written := int64(0); written < size; {
		line := strings.Repeat("    ", rng.IntN(4))
		for range 3 + rng.IntN(6) {
			line += words[rng.IntN(len(words))] + " "
		}
		n, _ := fmt.Fprintf(w, "%s= %d\n", line, rng.IntN(100_000)) // Flush reports what a Writer could not do
		written += int64(n)
	}
}

// table writes rows of measurements.
func table(w *bufio.Writer, rng *rand.Rand, size int64) {
	cities := []string{"Berlin", "Lima", "Nairobi", "Osaka", "Toronto"}
	for row, written := 0, int64(0); written < size; row++ {
		n, _ := fmt.Fprintf(w, "%d,2026-%02d-%02d,%s,%.4f,%.2f,%d\n", row, 1+row%12, 1+row%28,
			cities[rng.IntN(len(cities))], rng.NormFloat64(), rng.Float64()*1000, rng.IntN(500))
		written += int64(n)
	}
}

// packed writes bytes without a pattern after the signature of a compressed format.
func packed(signature string) func(*bufio.Writer, *rand.Rand, int64) {
	return func(w *bufio.Writer, rng *rand.Rand, size int64) {
		var seed [32]byte
		for i := range seed {
			seed[i] = byte(rng.Uint32())
		}
		_, _ = w.WriteString(signature) // as above
		_, _ = io.CopyN(w, rand.NewChaCha8(seed), size-int64(len(signature)))
	}
}
