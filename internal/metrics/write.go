package metrics

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// contentType names the format; the encoding belongs to it.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// ServeHTTP serves all metrics.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", contentType)
	_, _ = io.WriteString(w, r.String()) // the client has gone
}

// String returns all metrics in the text format.
func (r *Registry) String() string {
	var w writer
	for _, f := range r.families {
		w.text.WriteString("# HELP " + f.name + " " + strings.NewReplacer("\\", `\\`, "\n", `\n`).Replace(f.help) + "\n")
		w.text.WriteString("# TYPE " + f.name + " " + f.kind + "\n")
		f.series(&w)
	}
	return w.text.String()
}

// writer collects lines.
type writer struct{ text strings.Builder }

// sample writes one series; pairs are names and values of labels in turn.
func (w *writer) sample(name string, pairs []string, value float64) {
	w.text.WriteString(name)
	for i := 0; i < len(pairs); i += 2 {
		if i == 0 {
			w.text.WriteByte('{')
		} else {
			w.text.WriteByte(',')
		}
		w.text.WriteString(pairs[i] + `="` + strings.NewReplacer("\\", `\\`, "\n", `\n`, `"`, `\"`).Replace(pairs[i+1]) + `"`)
	}
	if len(pairs) > 0 {
		w.text.WriteByte('}')
	}
	w.text.WriteString(" " + number(value) + "\n")
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
