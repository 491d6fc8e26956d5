// Package secrets detects files with secrets: by their paths, by inspecting those with suspicious names, and by
// searching any file for private keys. It opens no files and knows nothing about archives.
package secrets

import (
	"path"
	"strings"
)

// Finding describes the kind of secret in a file.
type Finding struct {
	Detail string // such as "private key"
	// Spare is set if no app reads the file: copies made by editors, merges and people, and histories.
	Spare bool
}

// Kinds of secrets, for messages.
const (
	privateKeys = "private key"
	credentials = "credentials"
	envFile     = "environment file"
	history     = "history of commands"
)

// File decides by a path in the project whether the file contains secrets: the names that tools give to such
// files, and the variations of those names made by editors, merges, backups and people. Case is ignored, as some
// file systems do.
func File(whole string) (Finding, bool) {
	whole = strings.ToLower(whole)
	if f, ok := byPath(whole); ok {
		return f, true
	}
	// Vim and Emacs keep backups in one folder with the original's path as the name, as "!home!ana!app!.env~".
	name := path.Base(whole)
	for _, separator := range []string{"%", "!"} {
		if strings.Count(name, separator) > 1 {
			if f, ok := byPath(strings.ReplaceAll(name, separator, "/")); ok {
				return Finding{f.Detail, true}, true
			}
		}
	}
	return Finding{}, false
}

func byPath(whole string) (Finding, bool) {
	base := path.Base(whole)
	if isOtherType(path.Ext(base)) && !strings.Contains(base, ".env") {
		return Finding{}, false // most files; this saves the work below
	}
	n := newName(base)
	if detail, ok := inFolder(whole, n); ok {
		return Finding{detail, n.copied}, true
	}
	for _, find := range []func(name) (Finding, bool){listedFile, historyFile, typedFile, envNamed} {
		if f, ok := find(n); ok {
			return f, true
		}
	}
	return Finding{}, false
}

// Folder detects folders that contain nothing but credentials, by their path in the project.
func Folder(whole string) (Finding, bool) {
	whole = strings.ToLower(whole)
	n := newName(path.Base(whole))
	if env, ok := strings.CutPrefix(n.text, ".env"); ok && (isBoundary(env) || n.is(".envs")) && !isSample(env) {
		return Finding{envFile, n.copied}, true
	}
	switch {
	case n.is(".ssh"), n.is(".gnupg"), n.is(".password-store"):
		return Finding{privateKeys, true}, true
	case n.is(".bash_sessions"), n.is(".zsh_sessions"), n.is(".ipython"):
		return Finding{history, true}, true
	case n.is(".aws"), n.is(".azure"), n.is(".oci"), n.is(".rsconnect-python"), n.is("stored_secrets"), n.is(".secrets"), n.is(".credentials"),
		n.is("gcloud") && strings.HasSuffix(path.Dir("/"+whole), "/.config"):
		return Finding{credentials, n.copied}, true
	}
	return Finding{}, false
}

// inFolder detects names that mean a secret only in a folder of a certain name.
func inFolder(whole string, n name) (detail string, ok bool) {
	parent := newName(path.Base(path.Dir(whole)))
	for _, in := range []struct{ folder, file, detail string }{
		{".streamlit", "secrets.toml", "Streamlit secrets"},
		{".docker", "config.json", credentials},
		{".kube", "config", credentials},
		{".databricks", "token-cache.json", credentials},
		{".snowflake", "connections.toml", credentials},
		{".snowflake", "config.toml", credentials},
		{".snowsql", "config", credentials},
		{".dbt", "profiles.yml", credentials},
		{".huggingface", "token", credentials},
		{"earthengine", "credentials", credentials},
		{"gh", "hosts.yml", credentials},
		{".cargo", "credentials.toml", credentials},
		{".terraform.d", "credentials.tfrc.json", credentials},
		{".mc", "config.json", credentials},
		{".fly", "config.yml", credentials},
		{"pypoetry", "auth.toml", credentials},
		{".dvc", "config.local", credentials},
		{".prefect", "profiles.toml", credentials},
		{"stats", "config.yaml", credentials}, // the API key of this program and the Python tool
	} {
		rest, begins := strings.CutPrefix(parent.text, in.folder)
		if !parent.is(in.folder) && (!begins || !isBoundary(rest)) { // ".streamlit.bak", ".streamlit-prod"
			continue
		}
		if in.folder == "stats" && !strings.HasSuffix(path.Dir("/"+whole), "/.ploomber/stats") {
			continue
		}
		if n.contains(in.file) || n.variant(in.file) {
			return in.detail, true
		}
	}
	// Many tools have such a file; Streamlit's has an e-mail address at most.
	if strings.HasPrefix(parent.text, ".") && !parent.is(".streamlit") && n.contains("credentials") {
		return credentials, true
	}
	return "", false
}

// historyFile finds what shells and consoles keep of what was typed, passwords on the command line included: the names
// of those that listed does not know.
func historyFile(n name) (Finding, bool) {
	at := strings.Index(n.text, "history")
	if !strings.HasPrefix(n.text, ".") || at < 0 || !isBoundary(n.text[at+len("history"):]) || isPublic("", n.text[at+len("history"):]) {
		return Finding{}, false
	}
	return Finding{history, true}, true
}

// listedFile detects names that mean a secret in any folder, also with a prefix or suffix.
func listedFile(n name) (Finding, bool) {
	if detail, _ := listed(n.text); detail != "" {
		return Finding{detail, spare(n.text, detail)}, true
	}
	for _, variant := range n.cores() {
		for _, dot := range []string{"", ".", "_"} { // the copy of a hidden file need not be hidden
			if detail, _ := listed(dot + variant); detail != "" {
				return Finding{detail, true}, true
			}
		}
	}
	for i := range n.text {
		if i > 0 && !boundary(n.text, i) {
			continue
		}
		for j := i + 1; j <= len(n.text) && j-i <= longestListed; j++ {
			if j < len(n.text) && !boundary(n.text, j) {
				continue
			}
			detail, anyPrefix := listed(n.text[i:j])
			if detail == "" || isPublic(n.text[:i], n.text[j:]) {
				continue
			}
			if anyPrefix || isDecoration(n.text[:i]) {
				return Finding{detail, n.copied || spare(n.text[i:j], detail)}, true
			}
		}
	}
	return Finding{}, false
}

// typedFile finds key stores and state files by their extensions.
func typedFile(n name) (Finding, bool) {
	for i := range n.text {
		if n.text[i] != '.' {
			continue
		}
		for end := i + 2; end <= min(len(n.text), i+longestExtension); end++ {
			if end < len(n.text) && !boundary(n.text, end) {
				continue
			}
			if detail := extension(n.text[i:end]); detail != "" && !isPublic(n.text[:i], n.text[end:]) {
				return Finding{detail, n.copied}, true
			}
		}
	}
	return Finding{}, false
}
