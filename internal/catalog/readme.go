package catalog

import (
	"io"
	"io/fs"
	"strings"
)

const maxReadme = 1 << 20 // bytes; more than a title and a paragraph will ever need

// describe reads the title and the description of an example from its README, the first file whose name holds
// "readme" in any case. found reports whether there is one.
func describe(files fs.FS) (title, description string, found bool, err error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return "", "", false, err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.Contains(strings.ToLower(entry.Name()), "readme") {
			continue
		}
		f, err := files.Open(entry.Name())
		if err != nil {
			return "", "", false, err
		}
		text, err := io.ReadAll(io.LimitReader(f, maxReadme))
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return "", "", false, err
		}
		title, description = parseReadme(string(text))
		return title, description, true, nil
	}
	return "", "", false, nil
}

// parseReadme returns the first heading without its marks and the paragraph after it. The paragraph's lines are
// joined with nothing between them, as the cache file that other tools read has it.
func parseReadme(text string) (title, description string) {
	var paragraph strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimRight(line, "\r\n")
		switch heading := strings.HasPrefix(line, "#"); {
		case title == "" && heading:
			title = strings.TrimSpace(strings.Trim(line, "#"))
		case title == "":
			// what comes before the title is not about the example
		case heading || strings.TrimSpace(line) == "":
			if paragraph.Len() > 0 {
				return title, paragraph.String()
			}
		default:
			paragraph.WriteString(line)
		}
	}
	return title, paragraph.String()
}
