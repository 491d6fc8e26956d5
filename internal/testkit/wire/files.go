package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"go.yaml.in/yaml/v3"
)

// files compares a folder: what is wanted must be so, and all else as it was before.
func (c *Checker) files(d *differ, where string, want []Content, before, after Tree, env map[string]string) (found []string) {
	wanted := map[string]any{}
	for _, w := range want {
		wanted[w.Path] = w.Value
	}
	names := slices.AppendSeq(slices.AppendSeq(slices.Collect(maps.Keys(wanted)), maps.Keys(before)), maps.Keys(after))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == uidPath && where == "home" {
			continue
		}
		at := where + ": " + name
		was, there := before[name]
		is, now := after[name]
		w, ok := wanted[name]
		switch {
		case ok:
			found = append(found, content(d, at, name, w, after, env)...)
		case there && !now:
			found = append(found, at+": was deleted")
		case !there && name == configPath:
			found = append(found, d.diff(at, Object{}, meaning(name, Object{}, is, env))...) // defaults say nothing
		case !there:
			found = append(found, at+": was left there, holding "+show(is.Text))
		case was.Sum != is.Sum:
			found = append(found, at+": was changed to "+show(is.Text))
		}
		if now && (!there || was.Sum != is.Sum) {
			found = append(found, comments(at, name, was, is)...)
			if !c.Reference {
				found = append(found, private(at, name, was, is, there)...)
			}
		}
	}
	return found
}

func content(d *differ, at, name string, want any, after Tree, env map[string]string) []string {
	f, ok := after[name]
	if !ok {
		return d.diff(at, want, missing{})
	}
	strict := differ{tokens: d.tokens, strict: true}
	found := strict.diff(at, want, meaning(name, want, f, env))
	if o, ok := want.(Object); ok && len(found) == 0 && path.Ext(name) == ".json" {
		if keys := topKeys(f.Text); !slices.Equal(keys, o.Keys) {
			found = append(found, fmt.Sprintf("%s: wanted the keys in the order %v, saw %v", at, o.Keys, keys))
		}
	}
	return found
}

// meaning is a file as a value where a mapping is wanted, else its text.
func meaning(name string, want any, f SeenFile, env map[string]string) any {
	if _, ok := want.(Object); !ok {
		return f.Text
	}
	switch name {
	case ".env":
		return envValues(f.Text, env)
	case configPath:
		return settings(f.Text)
	}
	v, err := parseJSON([]byte(f.Text))
	if err != nil {
		return f.Text
	}
	return v
}

func envValues(text string, env map[string]string) any {
	parsed, err := dotenv.Parse([]byte(text))
	if err != nil {
		return text
	}
	values := map[string]any{}
	for _, p := range parsed.Values(func(name string) (string, bool) { v, ok := env[name]; return v, ok }) {
		values[p.Key] = p.Value
		if p.Null {
			values[p.Key] = nil
		}
	}
	return values
}

// settings reads config.yaml; a default says the same as its absence.
func settings(text string) any {
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		return text
	}
	for k, fallback := range map[string]any{"cloud_key": nil, "user_email": nil, "stats_enabled": true, "version_check_enabled": true} {
		if v, ok := values[k]; ok && v == fallback {
			delete(values, k)
		}
	}
	return values
}

func topKeys(text string) (keys []string) {
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		k, err := d.Token()
		var skipped json.RawMessage
		if err != nil || d.Decode(&skipped) != nil {
			return nil
		}
		keys = append(keys, fmt.Sprint(k))
	}
	return keys
}

// private tells where a file with secrets can be read by others: config.yaml always, .env where it is new.
func private(at, name string, was, is SeenFile, there bool) []string {
	const own = fs.FileMode(0o600)
	if runtime.GOOS == "windows" || name != configPath && name != ".env" {
		return nil
	}
	want := own
	if there && name == ".env" {
		want = was.Mode.Perm()
	}
	if is.Mode.Perm() == want {
		return nil
	}
	return []string{fmt.Sprintf("%s: wanted mode %v, saw %v", at, want, is.Mode.Perm())}
}

// comments tells where a command lost the comments of .env.
func comments(at, name string, was, is SeenFile) []string {
	if name != ".env" {
		return nil
	}
	if before, now := commentLines(was.Text), commentLines(is.Text); !slices.Equal(before, now) {
		return []string{fmt.Sprintf("%s: wanted the comments %q, saw %q", at, before, now)}
	}
	return nil
}

func commentLines(text string) (lines []string) {
	for line := range bytes.Lines([]byte(text)) {
		if l := strings.TrimSpace(string(line)); strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	return lines
}

// followed is the file that a name leads to when links are followed.
func followed(t Tree, name string) (SeenFile, bool) {
	f, ok := t[name]
	if to, isLink := strings.CutPrefix(f.Text, "-> "); isLink && f.Mode&fs.ModeSymlink != 0 {
		f, ok = t[path.Join(path.Dir(name), to)]
	}
	return f, ok
}
