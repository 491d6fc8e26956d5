package secretscmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/strictjson"
)

func newImport(o Options, run runner) *cobra.Command {
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Import secrets from another file",
		Long: "Import the secrets of FILE, or of standard input for -, into .env. FILE has the format of .env or is a JSON\n" +
			"object of strings. If one of them cannot be imported, none is.",
		Example: "  ploomber-cloud secrets import production.env\n" +
			"  ploomber-cloud secrets import secrets.json --overwrite\n" +
			"  vault kv get -format=json -field=data app | ploomber-cloud secrets import -",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Source = args[0]
			return run(c.Context(), "import", &o)
		},
	}
	c.Flags().BoolVar(&o.Overwrite, "overwrite", false, "replace existing values that differ")
	return c
}

// imported is what 'secrets import --json' prints: names only.
type imported struct {
	File      string   `json:"file"`
	Added     []string `json:"added"`
	Replaced  []string `json:"replaced"`
	Unchanged []string `json:"unchanged"` // already stored with the same value
}

func (o *Options) importAll() error {
	pairs, err := o.readSource()
	if err != nil {
		return err
	}
	env, err := o.env()
	if err != nil {
		return err
	}
	r := imported{o.Folder.EnvPath(), []string{}, []string{}, []string{}}
	stored := map[string]string{} // a key without a value, as in a template, counts as missing
	for _, p := range env.Values(dotenv.Lookup(o.Environ)) {
		if p.Value != "" {
			stored[p.Key] = p.Value
		}
	}
	for _, p := range pairs {
		now, there := stored[p.Key]
		switch {
		case there && now == p.Value:
			r.Unchanged = append(r.Unchanged, p.Key)
			continue
		case there:
			r.Replaced = append(r.Replaced, p.Key)
		default:
			r.Added = append(r.Added, p.Key)
		}
		if err := env.Set(p.Key, p.Value); err != nil {
			return o.unstored(p.Key, err)
		}
	}
	if len(r.Replaced) > 0 && !o.Overwrite {
		return failure.Failedf("%s has different values for %s; nothing was imported", r.File, printables(r.Replaced)).
			WithHint("to replace them, pass --overwrite")
	}
	if len(r.Added)+len(r.Replaced) > 0 {
		if err := o.Folder.Save(nil, env); err != nil {
			return err
		}
	}
	return o.IO.Result(r, func(out *term.Stream) {
		for _, part := range []struct {
			what  string
			names []string
		}{{"added", r.Added}, {"replaced", r.Replaced}, {"unchanged", r.Unchanged}} {
			if len(part.names) > 0 {
				out.Printf("%-10s %s\n", part.what+":", printables(part.names))
			}
		}
	})
}

// maxSource limits the size of an import, in bytes.
const maxSource = 4 << 20

// entry is a secret to import.
type entry struct {
	dotenv.Pair
	shown string // the name as messages may show it
	place string // such as "secrets.json:3"
}

func placeOf(source string, line int) string { return fmt.Sprintf("%s:%d", source, line) }

// readSource reads the secrets to import and checks every name. Error messages do not show the content unless it
// is clearly a name: users may pass tokens, keys and other files by mistake.
func (o *Options) readSource() ([]entry, error) {
	name, data, err := o.sourceData()
	if err != nil {
		return nil, failure.Failedf("cannot read %s: %w", name, err)
	}
	read := o.readDotenv
	if text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n"); bytes.HasPrefix(text, []byte("{")) {
		data, read = text, readJSON
	}
	pairs, err := read(name, data)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, failure.Failedf("there are no secrets in %s", name)
	}
	for _, p := range pairs {
		if !flow.SecretName(p.Key) {
			return nil, failure.Failedf("%s: %s is not a valid name: use letters, digits and underscores; nothing was imported", p.place, p.shown)
		}
		if err := check(p.Value); err != nil {
			return nil, failure.Failedf("%s: the value of %s cannot be used: %w", p.place, p.shown, err)
		}
	}
	return pairs, nil
}

func (o *Options) sourceData() (name string, data []byte, err error) {
	from := o.IO.In
	name = "standard input"
	if o.Source != "-" {
		name = o.Source
		f, err := os.Open(o.path(o.Source))
		if err != nil {
			return name, nil, fsx.Cause(err)
		}
		defer func() { _ = f.Close() }() // read-only: nothing to lose
		from = f
	}
	data, err = io.ReadAll(io.LimitReader(from, maxSource+1))
	if err == nil && len(data) > maxSource {
		err = errors.New("it is larger than 4 MB")
	}
	return name, data, err
}

// readDotenv reads the format of .env. A line that is not clearly an assignment is an error here, since a secret
// could be lost, or stored as a name, unnoticed; a name without "=" is skipped.
func (o *Options) readDotenv(source string, data []byte) ([]entry, error) {
	file, err := dotenv.Parse(data)
	if err != nil {
		return nil, failure.Failedf("cannot read %s: %w", source, err).WithHint("save the file as UTF-8")
	}
	var wrong []dotenv.Doubt
	for _, doubt := range file.Doubts() {
		if doubt.Null {
			o.IO.Err.Warn("%s has no value and was skipped.", placeOf(source, doubt.Line))
			continue
		}
		wrong = append(wrong, doubt)
	}
	if len(wrong) > 0 {
		said := strings.Join(dotenv.Describe(source, wrong, func(file string, d dotenv.Doubt) string {
			return placeOf(file, d.Line) + ": " + d.Reason
		}), "\n  - ")
		return nil, failure.Failedf("nothing was imported, because some lines are not clear assignments:\n  - %s", said).
			WithHint("correct these lines, or remove them from the file")
	}
	var entries []entry
	lines := file.Lines()
	for _, p := range file.Values(dotenv.Lookup(o.Environ)) {
		if !p.Null {
			entries = append(entries, entry{p, p.Key, placeOf(source, lines[p.Key])})
		}
	}
	return entries, nil
}

// readJSON reads one object of strings, keeping the order of its names and rejecting duplicates. data begins with a brace.
func readJSON(source string, data []byte) ([]entry, error) {
	if !utf8.Valid(data) { // the decoder would replace invalid bytes
		return nil, failure.Failedf("%s is not a JSON object of strings: it is not UTF-8", source)
	}
	line, counted := 1, int64(0)
	wrong := func(what string) error {
		return failure.Failedf("%s is not a JSON object of strings: %s", placeOf(source, line), what)
	}
	members, broken := strictjson.Object(data)
	var entries []entry
	for _, m := range members {
		line, counted = line+bytes.Count(data[counted:m.End], []byte("\n")), m.End
		shown := "an entry" // the name may be a secret
		if dotenv.IsName(m.Name) {
			shown = m.Name
		}
		var text string
		switch {
		case m.Value == nil:
			return nil, wrong("the value of " + shown + " cannot be read")
		case m.Value[0] != '"' || json.Unmarshal(m.Value, &text) != nil:
			return nil, wrong("the value of " + shown + " is not a string")
		case slices.ContainsFunc(entries, func(e entry) bool { return e.Key == m.Name }):
			return nil, wrong(shown + " appears twice")
		}
		entries = append(entries, entry{dotenv.Pair{Key: m.Name, Value: text}, shown, placeOf(source, line)})
	}
	switch {
	case broken != nil:
		return nil, wrong(fmt.Sprintf("it ends or is invalid after %d entries", len(entries)))
	case !json.Valid(data):
		return nil, wrong("there is more data after it")
	}
	return entries, nil
}
