package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hinshun/vt10x"
)

var update = flag.Bool("update", false, "write the golden files")

// A recording of three frames: colours, bold, characters that SVG reserves, a cursor that moves, a row that is replaced.
func TestRender(t *testing.T) {
	t.Parallel()
	term := &terminal{screen: vt10x.New(vt10x.WithSize(columns, rows))}
	for _, output := range []string{"$ ", "ls\r\n\x1b[32mgreen\x1b[0m \x1b[1mbold\x1b[0m <&>\r\n", "\r\x1b[1A\x1b[Kreplaced"} {
		if _, err := io.WriteString(term.screen, output); err != nil {
			t.Fatal(err)
		}
		term.show(500)
		term.show(500) // nothing has changed
	}
	got := render(term.frames)
	golden := filepath.Join("testdata", "three-frames.svg")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("another picture than %s (-update writes it); got:\n%s", golden, got)
	}
	for d := xml.NewDecoder(bytes.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

func TestStays(t *testing.T) {
	t.Parallel()
	at := func(lasts int, top, bottom string) frame {
		f := frame{lasts: lasts}
		f.rows[0], f.rows[1] = top, bottom
		return f
	}
	got, length := stays([]frame{at(100, "a", ""), at(50, "a", "b"), at(25, "", "b"), at(10, "a", "b")})
	want := []stay{{0, "a", 0, 150}, {1, "b", 100, 185}, {0, "a", 175, 185}}
	if !slices.Equal(got, want) || length != 185 {
		t.Errorf("%+v in %d ms, want %+v in 185", got, length, want)
	}
}
