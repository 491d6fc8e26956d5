package pysource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Notebook is a Jupyter notebook: its code as one source, and the language that its kernel speaks, lower case, ""
// where it does not say.
type Notebook struct {
	Code     []byte
	Language string
}

// ReadNotebook takes the code out of a notebook, format 3 or 4 (https://nbformat.readthedocs.io). Commands of IPython
// (lines that begin with % or !, cells in another language) are left out.
func ReadNotebook(data []byte) (Notebook, error) {
	type cell struct {
		Type   string `json:"cell_type"`
		Source text   `json:"source"`
		Input  text   `json:"input"` // format 3
	}
	var file struct {
		Cells      []cell `json:"cells"`
		Worksheets []struct {
			Cells []cell `json:"cells"`
		} `json:"worksheets"`
		Metadata struct {
			Kernel struct {
				Language string `json:"language"`
			} `json:"kernelspec"`
			Language struct {
				Name string `json:"name"`
			} `json:"language_info"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &file); err != nil {
		return Notebook{}, fmt.Errorf("not a notebook: %w", err)
	}
	cells := file.Cells
	for _, sheet := range file.Worksheets {
		cells = append(cells, sheet.Cells...)
	}
	n := Notebook{Language: strings.ToLower(file.Metadata.Language.Name)}
	if n.Language == "" {
		n.Language = strings.ToLower(file.Metadata.Kernel.Language)
	}
	var code strings.Builder
	for _, c := range cells {
		if c.Type == "code" {
			python(&code, string(c.Source)+string(c.Input))
		}
	}
	n.Code = []byte(code.String())
	return n, nil
}

// text is a string, or lines that make one.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = text(one)
		return nil
	}
	var lines []string
	if json.Unmarshal(data, &lines) == nil { // anything else is not code
		*t = text(strings.Join(lines, ""))
	}
	return nil
}

// python appends a cell to code, less what only IPython understands.
func python(code *strings.Builder, cell string) {
	if magic, ok := strings.CutPrefix(strings.TrimLeft(cell, " \t\r\n"), "%%"); ok {
		switch name, _, _ := strings.Cut(strings.TrimRight(firstLine(magic), " \t"), " "); name {
		case "time", "timeit", "capture", "prun": // which run the rest as Python
		default:
			return
		}
	}
	for line := range strings.Lines(cell) {
		if trimmed := strings.TrimLeft(line, " \t"); strings.HasPrefix(trimmed, "%") || strings.HasPrefix(trimmed, "!") {
			continue
		}
		code.WriteString(line)
	}
	code.WriteByte('\n')
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimRight(line, "\r")
}
