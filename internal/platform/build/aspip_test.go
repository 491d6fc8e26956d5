package build

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSameAsPip installs with uv and asks pip what it would have installed.
func TestSameAsPip(t *testing.T) {
	t.Parallel()
	py := python(t)
	for name, tc := range map[string]struct {
		requirements string
		files        map[string]string
		vars         []string
	}{
		"the newest":                       {requirements: "six\n"},
		"a newer one in a folder":          {requirements: "--find-links wheels\nthing\n"},
		"an older one in a folder":         {requirements: "--find-links wheels\nold\n"},
		"a pre-release by its version":     {requirements: "early==1.0rc1\n"},
		"a pre-release by its range":       {requirements: "early>=1.0rc1\n"},
		"a pre-release that is not wanted": {requirements: "early\n"},
		"pre-releases alone":               {requirements: "only-early\n"},
		"--pre":                            {requirements: "--pre\nearly\n"},
		"PIP_PRE":                          {requirements: "early\n", vars: []string{"PIP_PRE=yes"}},
		"a dependency on a pre-release":    {requirements: "needy\n"},
		"a local version":                  {requirements: "localised\n"},
		"two indexes":                      {requirements: "--extra-index-url SECOND\nthing\n"},
		"another index":                    {requirements: "--index-url SECOND\nthing\n"},
		"another index in a nested file":   {requirements: "-r sub/nested.txt\nthing\n", files: map[string]string{"sub/nested.txt": "--index-url SECOND\n"}},
		"an extra index of the user":       {requirements: "thing\n", vars: []string{"PIP_EXTRA_INDEX_URL=SECOND"}},
		"a folder alone":                   {requirements: "--no-index\n-f wheels\nold\n"},
		"a folder alone, set by the user":  {requirements: "old\n", vars: []string{"PIP_NO_INDEX=1", "PIP_FIND_LINKS=wheels nowhere"}},
		"constraints":                      {requirements: "-c pins.txt\nthing\n", files: map[string]string{"pins.txt": "thing<1.1\nsix==1.0\n"}},
		"markers":                          {requirements: "six ; python_version < '3'\nseven ; python_version >= '3'\n"},
		"an extra that is not there":       {requirements: "six[nothing]\n"},
		"names in another spelling":        {requirements: "Only_Early\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, second := newReal(t, UV), newIndex(t)
			r.index.add(t, "thing", "1.0")
			second.add(t, "thing", "1.5")
			r.index.add(t, "old", "2.0")
			r.index.add(t, "early", "0.9")
			r.index.add(t, "early", "1.0rc1")
			r.index.add(t, "only-early", "1.0b1")
			r.index.add(t, "needy", "1.0", "early>=1.0rc1")
			r.index.add(t, "localised", "1.0")
			r.index.add(t, "localised", "1.0+mine")
			for name, version := range map[string]string{"thing": "2.0", "old": "1.0"} {
				file, content := wheelOf(t, name, version)
				write(t, r.dir, map[string]string{"wheels/" + file: string(content)})
			}
			fill := func(s string) string { return strings.ReplaceAll(s, "SECOND", second.URL+"/simple") }
			for file, content := range tc.files {
				write(t, r.dir, map[string]string{file: fill(content)})
			}
			for _, v := range tc.vars {
				r.set(fill(v))
			}
			write(t, r.dir, map[string]string{"requirements.txt": fill(tc.requirements)})
			want := pipWouldInstall(t, r, py)
			r.expect("with uv", true, want...)
		})
	}
}

// pipWouldInstall returns what pip of this machine says, as expect spells it.
func pipWouldInstall(t *testing.T, r *real, py string) []string {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.Command(py, "-I", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", report, "-r", "requirements.txt")
	cmd.Dir, cmd.Env = r.dir, r.builder.Environ
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("pip: %v\n%s", err, out)
	}
	data, err := os.ReadFile(report)
	var said struct {
		Install []struct {
			Metadata struct{ Name, Version string } `json:"metadata"`
		} `json:"install"`
	}
	if err == nil {
		err = json.Unmarshal(data, &said)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []string{}
	for _, i := range said.Install {
		want = append(want, i.Metadata.Name+"=="+i.Metadata.Version)
	}
	slices.Sort(want)
	return want
}
