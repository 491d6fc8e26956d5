// Package chart draws the figures of the page of benchmarks as an SVG picture. It reads them from the page's tables, so
// that picture and tables cannot drift apart, and must not know how they were measured.
package chart

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
)

// panel is a group of comparisons below one heading.
type panel struct {
	title string
	rows  []row
}

// row compares what several programs took for the same; the longest bar is as wide as the space allows.
type row struct {
	label string
	bars  []bar
}

type bar struct {
	who   string
	value float64
	shown string
	ours  bool
}

// Draw returns the picture of a page in Markdown. The error names the table that lacks what is drawn.
func Draw(page string) (svg string, err error) {
	tool, err := againstPython(page)
	if err != nil {
		return "", err
	}
	proxies, err := perRequest(page)
	if err != nil {
		return "", err
	}
	return render([]panel{tool, proxies}), nil
}

// againstPython takes the command line's figures, ours and those of the Python tool.
func againstPython(page string) (panel, error) {
	p := panel{title: "Command line: this program and the Python tool (less is better)"}
	starts, err := table(page, "startup", 0)
	if err != nil {
		return p, err
	}
	start := starts.row("`--version`")
	p.compare("start, --version", start["ours"], start["Python tool"])
	for _, size := range []string{"50", "400"} {
		t, err := table(page, "deploy-"+size, 0)
		if err != nil {
			return p, err
		}
		ours, peer := t.row("ours"), t.row("Python tool")
		p.compare("deploy "+size+" MB, time", ours["wall"], peer["wall"])
		if size == "400" {
			p.compare("deploy "+size+" MB, memory", ours["peak memory"], peer["peak memory"])
		}
	}
	for _, r := range p.rows {
		for _, b := range r.bars {
			if b.value <= 0 {
				return p, fmt.Errorf("%s: no figure of %s", r.label, b.who)
			}
		}
	}
	return p, nil
}

func (p *panel) compare(label, ours, peer string) {
	p.rows = append(p.rows, row{label, []bar{
		{"ploomber-cloud", number(ours), ours, true}, {"Python tool", number(peer), peer, false},
	}})
}

// perRequest takes what a request costs the proxies, in units of nginx with a password.
func perRequest(page string) (panel, error) {
	p := panel{title: "Proxy: processor time of a request with a login (nginx with a password = 1; less is better)"}
	t, err := table(page, "proxy", 1)
	if err != nil {
		return p, err
	}
	one := row{"", nil}
	for _, name := range []string{
		"ploomber-cloud, session cookie", "nginx `auth_basic`, {SHA}", "caddy `basicauth`, bcrypt, cached", "nginx `auth_basic`, apr1",
		"express-openid-connect, session cookie",
	} {
		text, _, _ := strings.Cut(t.row(name)["1 KB, 32 connections"], " ")
		value := number(text)
		if value <= 0 {
			return p, fmt.Errorf("proxy: no figure of %s", name)
		}
		one.bars = append(one.bars, bar{strings.ReplaceAll(name, "`", ""), value, text, strings.HasPrefix(name, "ploomber-cloud")})
	}
	p.rows = []row{one}
	return p, nil
}

// rows of a table by the first cell, each by the names of columns.
type rows struct {
	columns []string
	cells   [][]string
}

func (t rows) row(first string) map[string]string {
	named := map[string]string{}
	for _, cells := range t.cells {
		if len(cells) == len(t.columns) && cells[0] == first {
			for i, c := range cells {
				if _, taken := named[t.columns[i]]; !taken { // "CPU" stands there twice; the first is the Python tool's
					named[t.columns[i]] = c
				}
			}
		}
	}
	return named
}

// table returns the nth table between the marks of that name.
func table(page, mark string, n int) (t rows, err error) {
	_, rest, ok := strings.Cut(page, "<!-- "+mark+" -->")
	text, _, closed := strings.Cut(rest, "<!-- /"+mark+" -->")
	if !ok || !closed {
		return t, fmt.Errorf("no marks of %s", mark)
	}
	var lines []string
	for line := range strings.SplitSeq(text+"\n", "\n") {
		if strings.HasPrefix(line, "|") {
			lines = append(lines, line)
			continue
		}
		if len(lines) > 0 {
			if n == 0 {
				break
			}
			n, lines = n-1, nil
		}
	}
	if len(lines) < 3 {
		return t, fmt.Errorf("%s: no table", mark)
	}
	t.columns = cells(lines[0])
	for _, line := range lines[2:] {
		t.cells = append(t.cells, cells(line))
	}
	return t, nil
}

func cells(line string) []string {
	parts := strings.Split(strings.Trim(line, "|"), "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// number reads a figure: a time in seconds, a size in MB, a ratio; 0 if it is not a number.
func number(text string) float64 {
	if d, err := time.ParseDuration(strings.ReplaceAll(text, " ", "")); err == nil {
		return d.Seconds()
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, " MB"), 64)
	if err != nil {
		return 0
	}
	return v
}

// Measures of the picture, in pixels.
const (
	width    = 760
	left     = 250 // where bars begin
	barWidth = 410 // of the longest bar
	barStep  = 22
	barSize  = 15
)

func render(panels []panel) string {
	var b strings.Builder
	y := 8
	for _, p := range panels {
		y += 22
		fmt.Fprintf(&b, "<text class=\"title\" x=\"8\" y=\"%d\">%s</text>\n", y, html.EscapeString(p.title))
		y += 10
		for _, r := range p.rows {
			if r.label != "" {
				y += 16
				fmt.Fprintf(&b, "<text x=\"8\" y=\"%d\">%s</text>\n", y+4, html.EscapeString(r.label))
				y += 8
			}
			longest := 0.0
			for _, one := range r.bars {
				longest = max(longest, one.value)
			}
			for _, one := range r.bars {
				class := "other"
				if one.ours {
					class = "ours"
				}
				size := max(2, int(one.value/longest*barWidth))
				fmt.Fprintf(&b, "<text class=\"who\" x=\"%d\" y=\"%d\">%s</text>\n", left-8, y+12, html.EscapeString(one.who))
				fmt.Fprintf(&b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\"/>\n", class, left, y, size, barSize)
				fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">%s</text>\n", left+size+8, y+12, html.EscapeString(one.shown))
				y += barStep
			}
		}
		y += 8
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="Benchmarks">
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.who { text-anchor: end }
.ours { fill: #1a7f37 }
.other { fill: #afb8c1 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #3fb950 } .other { fill: #6e7681 } }
</style>
%s</svg>
`, width, y, width, y, b.String())
}
