package templatescmd

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// What a run that was killed has written is completed for the same project; anything else is the user's and stays.
func TestVLLMGoesOn(t *testing.T) {
	t.Parallel()
	const model, id = "facebook/opt-125m", "docker-app-7"
	key := scaffold.VLLMKey + "=" + strings.Repeat("k", 43) + "\n"
	config, err := configOf(id).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	whole := map[string]string{project.FileName: string(config), flow.EnvName: key}
	for _, f := range scaffold.VLLM(model, id) {
		whole[f.Name] = string(f.Data)
	}
	with := func(name, text string, names ...string) map[string]string {
		files := map[string]string{name: text}
		for _, n := range names {
			files[n] = whole[n]
		}
		return files
	}
	for name, tc := range map[string]struct {
		files map[string]string
		stays string // the file that is named as in the way; "": the run goes on
	}{
		"the first file":       {files: with(project.FileName, string(config))},
		"two":                  {files: with(flow.EnvName, key, project.FileName)},
		"a token too":          {files: with(flow.EnvName, key+"HF_TOKEN=stored\n", project.FileName)},
		"four":                 {files: with(flow.EnvName, key, project.FileName, "Dockerfile", "requirements.txt")},
		"one in between":       {files: with("Dockerfile", whole["Dockerfile"], project.FileName)},
		"a temporary file":     {files: with(".ploomber-cloud-0123456789abcdef.tmp", "x", project.FileName)},
		"everything":           {files: whole, stays: flow.EnvName},
		"another file":         {files: with("app.py", "", project.FileName), stays: "app.py"},
		"no configuration":     {files: with(flow.EnvName, key, "Dockerfile"), stays: flow.EnvName},
		"another project":      {files: with(project.FileName, `{"id": "a", "type": "docker"}`), stays: project.FileName},
		"no project":           {files: with(project.FileName, "{"), stays: project.FileName},
		"another secret":       {files: with(flow.EnvName, key+"MINE=1\n", project.FileName), stays: flow.EnvName},
		"another model's file": {files: with("Dockerfile", strings.ReplaceAll(whole["Dockerfile"], model, "a/b"), project.FileName), stays: "Dockerfile"},
		"a changed file":       {files: with("requirements.txt", "vllm==1\n", project.FileName), stays: "requirements.txt"},
		"a folder":             {files: with(filepath.Join("Dockerfile", "x"), "", project.FileName), stays: "Dockerfile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files)
			o := options(d, Flags{Model: model, DeployNow: is(false)})
			var asked []string
			o.Model = models(&asked)
			o.Deploy = func(context.Context) error { t.Error("deploys"); return nil }
			err := apply(t.Context(), "vllm", o)
			if len(d.Asked()) > 0 {
				t.Errorf("asks %q: the project is there", d.Asked())
			}
			left := map[string]string{}
			for _, name := range d.Files() {
				left[name] = d.Read(name)
			}
			if tc.stays != "" {
				if failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), tc.stays+" is here") || !maps.Equal(left, tc.files) {
					t.Errorf("%v, leaves %q", err, slices.Sorted(maps.Keys(left)))
				}
				return
			}
			want := maps.Clone(whole)
			if stored, there := tc.files[flow.EnvName]; there {
				want[flow.EnvName] = stored
			} else {
				want[flow.EnvName] = left[flow.EnvName] // a key by chance
			}
			delete(left, ".ploomber-cloud-0123456789abcdef.tmp")
			if err != nil || !maps.Equal(left, want) || len(values(t, left[flow.EnvName])["VLLM_API_KEY"]) != 43 {
				t.Errorf("%v, leaves %q", err, left)
			}
		})
	}
}
