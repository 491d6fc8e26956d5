package secrets

import (
	"bytes"
	"path"
	"strings"
)

// envNamed finds .env and its variants (.env.local, .env-prod), env files with a name in front (production.env), and
// copies of both, but not the samples that are written to be shared.
func envNamed(n name) (Finding, bool) {
	const env = ".env"
	for from := 0; ; {
		at := strings.Index(n.text[from:], env)
		if at < 0 {
			return Finding{}, false
		}
		before, behind := n.text[:from+at], n.text[from+at+len(env):]
		from += at + len(env)
		if !isBoundary(behind) || isSample(behind) || startsAsSample(before) {
			continue
		}
		if !isDecoration(before) {
			ext := path.Ext(behind)
			if isSampleName(before) || isOtherType(ext) || isStructured(ext) {
				continue
			}
		}
		return Finding{envFile, n.copied && behind != ".local"}, true
	}
}

// isStructured finds formats that no line of an env file fits into.
func isStructured(ext string) bool {
	switch ext {
	case ".json", ".yml", ".yaml", ".toml", ".xml", ".csv", ".tsv", ".parquet":
		return true
	}
	return false
}

// mayBeEnv finds names that people give to env files and to much else, so that a look inside has to tell.
func mayBeEnv(whole string, n name) bool {
	ext := path.Ext(n.text)
	if ext == n.text {
		ext = ""
	}
	if isOtherType(ext) && ext != ".sh" || isStructured(ext) {
		return false
	}
	if strings.HasPrefix(n.text, ".") && (strings.HasPrefix(n.text, ".env") || strings.HasSuffix(n.core, "env")) {
		return !isSample(n.text)
	}
	found := words(n.text)
	switch path.Base(path.Dir(whole)) {
	case "env", "envs", ".envs", "environments":
		if ext == "" || ext == ".txt" {
			found = append(found, "env")
		}
	}
	is := false
	for _, word := range found {
		switch strings.TrimRight(word, "0123456789") {
		case "env", "envs", "environ", "environment", "envfile", "envvars", "envvar", "dotenv", "environmentfile":
			is = true
		}
	}
	return is && !isSample(n.text) && !startsAsSample(n.text)
}

// assignments reports whether a text is an env file: lines NAME=value, comments, and nothing else but the further lines
// of a value. One name at least is written as those of variables are: lists of packages have "name=version" too.
func assignments(content []byte) string {
	text := bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	set, other, variables := 0, 0, 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("export ")))
		key, value, ok := bytes.Cut(line, []byte("="))
		if !ok || !isVariable(bytes.TrimSpace(key)) {
			other++
			continue
		}
		if value = bytes.Trim(value, " \t\"'"); len(value) > 0 && value[0] != '=' {
			set++
			if bytes.Equal(bytes.ToUpper(key), key) || passwords(key) != "" {
				variables++
			}
		}
	}
	if variables > 0 && other <= set/4 {
		return envFile
	}
	return ""
}

func isVariable(key []byte) bool {
	for i, c := range key {
		switch {
		case c == '_', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		case i > 0 && (c == '.' || c == '-' || c >= '0' && c <= '9'):
		default:
			return false
		}
	}
	return len(key) > 0
}
