package project

import (
	"bytes"
	"errors"
	"io/fs"
	"unicode"
	"unicode/utf8"
)

// Guess is what a folder appears to contain.
type Guess struct {
	Type string // a project type, or "" if unknown
	// Framework is set if the app uses one that runs as a Docker project: fastapi, gradio or shiny.
	Framework     string
	HasDockerfile bool
}

// Infer returns the project type of a folder by the rules of the reference tool: a framework that needs Docker, a
// Dockerfile, app.R, app.ipynb, then what app.py imports.
func Infer(dir fs.FS) (Guess, error) {
	app, err := fs.ReadFile(dir, "app.py")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Guess{}, err
	}
	has := func(name string) bool {
		_, err := fs.Stat(dir, name)
		return err == nil
	}
	g := Guess{HasDockerfile: has("Dockerfile")}
	for _, framework := range []string{"fastapi", "gradio", "shiny"} {
		if imports(app, framework) {
			g.Type, g.Framework = "docker", framework
			return g, nil
		}
	}
	switch {
	case g.HasDockerfile:
		g.Type = "docker"
	case has("app.R"):
		g.Type = "shiny-r"
	case has("app.ipynb"):
		g.Type = "voila"
	default:
		for _, t := range Types() {
			if imports(app, t) {
				g.Type = t
				break
			}
		}
	}
	return g, nil
}

// imports searches source, comments too, for the words "import NAME" or "from NAME import", one space apart.
func imports(source []byte, name string) bool {
	return hasWords(source, "import "+name) || hasWords(source, "from "+name+" import")
}

func hasWords(source []byte, words string) bool {
	for at := 0; ; {
		i := bytes.Index(source[at:], []byte(words))
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(words)
		before, _ := utf8.DecodeLastRune(source[:start])
		after, _ := utf8.DecodeRune(source[end:])
		if !isWord(before) && !isWord(after) {
			return true
		}
		at = start + 1
	}
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}
