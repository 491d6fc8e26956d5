package build

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// progress reads the lines of pip and uv as they come and tells how far they are. Both print what they download and
// how large it is.
type progress struct {
	log    io.Writer // gets the lines too; may be nil
	notify func(platform.Event)

	total    int   // packages of the whole installation, once it is known
	packages int   // that have been seen
	bytes    int64 // that are downloaded or about to be
}

// Write takes one line.
func (p *progress) Write(line []byte) (int, error) {
	if detail := p.detail(strings.TrimRight(string(line), "\r\n")); detail != "" {
		p.notify(platform.Event{Phase: platform.Building, Detail: detail})
	}
	if p.log == nil {
		return len(line), nil
	}
	return p.log.Write(line)
}

// detail returns how far the installer is after a line, "" where the line says nothing about it. uv prints
// "Downloading numpy (16.1MiB)", "Resolved 34 packages in 418ms"; pip "Collecting numpy>=2 (from …)", "Downloading
// numpy-2.4.6-cp311-….whl (16.9 MB)", "Installing collected packages: six, numpy".
func (p *progress) detail(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return ""
	}
	switch words[0] {
	case "Downloading":
		p.bytes += size(strings.Trim(strings.Join(words[2:], ""), "()"))
		return p.so(name(words[1]))
	case "Collecting":
		p.packages++
		return p.so(name(words[1]))
	case "Building", "Preparing":
		return p.so(name(words[1]))
	case "Resolved", "Prepared":
		p.total, _ = strconv.Atoi(words[1])
		return p.so("")
	}
	if list, ok := strings.CutPrefix(line, "Installing collected packages: "); ok {
		p.total = strings.Count(list, ",") + 1
		return p.so("unpacking")
	}
	return ""
}

// so joins what is known, the least certain last.
func (p *progress) so(now string) string {
	var parts []string
	switch {
	case p.total > 0:
		parts = append(parts, count(p.total))
	case p.packages > 0:
		parts = append(parts, count(p.packages)+" so far")
	}
	if p.bytes > 0 {
		parts = append(parts, fmt.Sprintf("%.0f MB", max(1, float64(p.bytes)/1e6)))
	}
	if now != "" {
		parts = append(parts, now)
	}
	return strings.Join(parts, ", ")
}

func count(n int) string {
	if n == 1 {
		return "1 package"
	}
	return fmt.Sprintf("%d packages", n)
}

// name is what a person calls the file at an address or with the name of a wheel.
func name(what string) string {
	what = what[strings.LastIndexByte(what, '/')+1:]
	if strings.HasSuffix(what, ".whl") || strings.HasSuffix(what, ".tar.gz") || strings.HasSuffix(what, ".metadata") {
		what, _, _ = strings.Cut(what, "-")
	}
	return strings.ReplaceAll(what, "_", "-")
}

// size reads what installers print, such as 16.1MiB or 103kB.
func size(text string) int64 {
	digits := strings.TrimRight(text, "kKMGiB")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 {
		return 0
	}
	unit := strings.ToUpper(text[len(digits):])
	base := 1000.0
	if strings.Contains(unit, "I") {
		base = 1024
	}
	if unit != "" {
		for range max(0, strings.IndexByte("BKMG", unit[0])) {
			n *= base
		}
	}
	return int64(n)
}
