package main

import (
	"bytes"
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/hinshun/vt10x"
)

// Measures of the picture, in pixels.
const (
	cellWidth  = 8.4 // of most monospaced fonts at this size; textLength stretches the others
	cellHeight = 20
	fontSize   = 14
	margin     = 16
)

// styles has the colours of a terminal, dark on every page; c0 to c15 are those of ECMA-48 and its bright ones.
const styles = `text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:#d1d7e0}
.b{font-weight:700}.k{fill:#d1d7e0;opacity:.6}
.c0,.c8{fill:#656c76}.c1,.c9{fill:#f47067}.c2,.c10{fill:#57ab5a}.c3,.c11{fill:#c69026}.c4,.c12{fill:#539bf5}.c5,.c13{fill:#b083f0}.c6,.c14{fill:#39c5cf}.c7,.c15{fill:#f0f6fc}
`

// drawRow returns the row of a screen as SVG: a text for each run of characters of one style, and the cursor.
func drawRow(screen vt10x.View, y int) string {
	var b strings.Builder
	for x := 0; x < columns; {
		first, start := screen.Cell(x, y), x
		var text []rune
		for ; x < columns && alike(screen.Cell(x, y), first); x++ {
			text = append(text, screen.Cell(x, y).Char)
		}
		shown := strings.TrimRight(string(text), " \x00")
		if shown == "" {
			continue
		}
		fmt.Fprintf(&b, `<text%s%s textLength="%s" lengthAdjust="spacingAndGlyphs" xml:space="preserve">%s</text>`,
			attribute("x", start), class(first), pixels(len([]rune(shown))), html.EscapeString(shown))
	}
	if c := screen.Cursor(); c.Y == y && screen.CursorVisible() {
		fmt.Fprintf(&b, `<rect class="k"%s y="-14" width="%s" height="18"/>`, attribute("x", c.X), pixels(1))
	}
	return b.String()
}

func alike(a, b vt10x.Glyph) bool { return a.FG == b.FG && bold(a) == bold(b) }

// bold reads a flag for which the emulator exports no name.
func bold(g vt10x.Glyph) bool { return g.Mode&(1<<2) != 0 }

func class(g vt10x.Glyph) string {
	var names []string
	if g.FG.ANSI() {
		names = append(names, "c"+strconv.Itoa(int(g.FG)))
	}
	if bold(g) {
		names = append(names, "b")
	}
	if len(names) == 0 {
		return ""
	}
	return ` class="` + strings.Join(names, " ") + `"`
}

// attribute is a distance from the left; there is none at 0, which is the default.
func attribute(name string, column int) string {
	if column == 0 {
		return ""
	}
	return " " + name + `="` + pixels(column) + `"`
}

func pixels(columns int) string { return strconv.FormatFloat(float64(columns)*cellWidth, 'g', 6, 64) }

// A stay is a row that shows the same for a while. Times are in milliseconds from the beginning.
type stay struct {
	y          int
	svg        string
	start, end int
}

// stays returns what each row shows and when, in the order in which it appears, and how long the recording is.
func stays(frames []frame) (all []stay, length int) {
	var current [rows]int // the row's place in all, plus one
	for _, f := range frames {
		for y, svg := range f.rows {
			if at := current[y]; at > 0 && all[at-1].svg == svg {
				all[at-1].end += f.lasts
				continue
			}
			if current[y] = 0; svg != "" {
				all = append(all, stay{y, svg, length, length + f.lasts})
				current[y] = len(all)
			}
		}
		length += f.lasts
	}
	return all, length
}

// render returns the recording as an animated picture. Viewers that prefer reduced motion, or cannot animate, show its last
// frame.
func render(frames []frame) []byte {
	all, length := stays(frames)
	width, height := columns*cellWidth+2*margin, rows*cellHeight+2*margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %d" width="%g" height="%d">`+"\n<style>\n%s", width, height, width, height, styles)
	percent := func(at int) string {
		return strconv.FormatFloat(float64(at)*100/float64(length), 'f', 2, 64) + "%"
	}
	fmt.Fprintf(&b, ".a{visibility:hidden}\n@media (prefers-reduced-motion:no-preference){\n")
	for i, s := range all {
		fmt.Fprintf(&b, "@keyframes a%d{0%%{visibility:hidden}%s{visibility:visible}%s{visibility:hidden}}", i, percent(s.start), percent(s.end))
		fmt.Fprintf(&b, "#a%d{animation:a%d %dms step-end infinite}\n", i, i, length)
	}
	fmt.Fprintf(&b, "}\n</style>\n"+`<rect width="100%%" height="100%%" rx="8" fill="#1c2128" stroke="#444c56"/>`+"\n")
	fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", margin, margin+fontSize)
	for i, s := range all {
		hidden := ` class="a"`
		if s.end == length {
			hidden = ""
		}
		fmt.Fprintf(&b, `<g id="a%d"%s transform="translate(0 %d)">%s</g>`+"\n", i, hidden, s.y*cellHeight, s.svg)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}
