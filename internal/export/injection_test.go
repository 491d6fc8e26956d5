package export_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Whatever is accepted for a path, a name or a user is one word to nginx: no directive comes of it, and the real
// nginx reads what is written.
func TestNginxInjection(t *testing.T) {
	t.Parallel()
	nginx.Need(t)
	text := func(letters string) *rapid.Generator[string] {
		return rapid.StringOf(rapid.SampledFrom([]rune(letters)))
	}
	path := text(`ab.-_~^$!'"(){}[]|+,:=&@<>` + "`") // what a path may hold; the rest is refused, see TestNginxRefuses
	name := text(`ab.-_~^$!'"(){}[]|+,:=&@<> ;\#*?%é` + "`")
	dir, taken := t.TempDir(), 0
	build := func(user, api, analytics, public, below string) ([]export.File, error) {
		c := config.Config{Passwords: map[config.Feature]config.Login{}, APIPath: "/1" + api, AnalyticsPath: "/2" + analytics,
			PublicPaths: []string{"/3" + public, "/4" + below + "/"}}
		for _, f := range config.Features() {
			c.Passwords[f] = config.Login{Username: "u" + user, Password: "long enough, and more"}
		}
		o := options(dir)
		o.Hash = export.SaltedSHA
		return export.Nginx(export.Project{Name: "my-app", Login: c}, o)
	}
	plain, err := build("", "", "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := directives(string(plain[0].Data))
	rapid.Check(t, func(rt *rapid.T) {
		files, err := build(name.Draw(rt, "user"), path.Draw(rt, "api"), path.Draw(rt, "analytics"), path.Draw(rt, "public"), path.Draw(rt, "below"))
		if err != nil {
			return
		}
		config := write(t, dir, files)
		if got, ok := directives(config); !ok || !slices.Equal(got, want) {
			rt.Fatalf("directives %q, %v\nwant %q\n%s", got, ok, want, config)
		}
		if taken++; taken > 30 { // the others would take too long
			return
		}
		if said := nginx.Check(t, config); said != "" {
			rt.Fatalf("nginx says %s\n%s", said, config)
		}
	})
	if taken < 30 {
		t.Errorf("only %d configurations were written", taken)
	}
}

// directives returns the first words of all directives of a configuration, sorted, those in blocks too. ok is false
// where it is cut off. It knows nginx's language only as far as ours uses it.
func directives(config string) (names []string, ok bool) {
	first, depth := true, 0
	for config != "" {
		switch c := config[0]; c {
		case ' ', '\n':
			config = config[1:]
		case '#':
			_, config, _ = strings.Cut(config, "\n")
		case ';', '{', '}':
			first = true
			depth += map[byte]int{'{': 1, '}': -1}[c]
			config = config[1:]
		default:
			n := strings.IndexAny(config, " \n;{}")
			if c == '"' {
				for n = 1; n < len(config) && config[n] != '"'; n++ {
					if config[n] == '\\' {
						n++
					}
				}
				n++
			}
			if n < 0 || n > len(config) || c == '"' && !strings.ContainsRune(" ;", rune(config[n])) {
				return names, false
			}
			if first && !strings.HasPrefix(config, `"~^u`) { // the users, each an entry of a map
				names = append(names, config[:n])
			}
			first, config = false, config[n:]
		}
	}
	slices.Sort(names)
	return names, depth == 0
}
