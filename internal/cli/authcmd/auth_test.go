package authcmd

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"add":                   {Args: []string{"--add"}, Want: Flags{Add: true}},
		"add to a feature":      {Args: []string{"--add", "--feature=analytics", "--overwrite"}, Want: Flags{Add: true, Overwrite: true, Feature: project.Analytics}},
		"add for a script":      {Args: []string{"--add", "--feature=api", "--username=ann", "--password-stdin", "--offline"}, Want: Flags{Add: true, Feature: project.API, Username: "ann", PasswordStdin: true, Offline: true}},
		"remove":                {Args: []string{"--remove", "--feature=main_app"}, Want: Flags{Remove: true, Feature: project.MainApp}},
		"neither":               {Code: failure.Failed},
		"both":                  {Args: []string{"--add", "--remove"}, Code: failure.Failed},
		"remove, overwrite":     {Args: []string{"--remove", "--overwrite"}, Code: failure.Failed},
		"remove, offline":       {Args: []string{"--remove", "--offline"}, Want: Flags{Remove: true, Offline: true}},
		"remove, a user":        {Args: []string{"--remove", "--username=ann"}, Code: failure.Usage},
		"remove, a password":    {Args: []string{"--remove", "--password-stdin"}, Code: failure.Usage},
		"a feature in capitals": {Args: []string{"--add", "--feature=MAIN_APP"}, Code: failure.Failed},
	})
}

const (
	bare      = `{"id": "demo", "type": "dash"}`
	protected = `{"id": "demo", "type": "dash", "authentication": {"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`
)

func TestAuth(t *testing.T) {
	t.Parallel()
	me := []string{"GET /users/me"}
	stored := "username_main_app=ann\npassword_main_app=old\n"
	for name, tc := range map[string]struct {
		files   map[string]string
		answers []string
		flags   Flags
		tier    string // pro if not given
		noKey   bool
		code    int
		refused bool // by the tier
		asked   []string
		env     map[string]string // nil: .env as before
		auth    []project.Feature // protected afterwards by reference; nil: the configuration as before
		says    string
	}{
		"asked for": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"ann", "p w#'\"\\$"}, flags: Flags{Add: true, Feature: project.MainApp},
			asked: me, env: map[string]string{"username_main_app": "ann", "password_main_app": "p w#'\"\\$"}, auth: []project.Feature{project.MainApp},
			says: "Successfully configured password authentication",
		},
		"asked again for an empty answer": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"", "ann", "", "", "p"}, flags: Flags{Add: true, Feature: project.MainApp},
			asked: me, env: map[string]string{"username_main_app": "ann", "password_main_app": "p"}, auth: []project.Feature{project.MainApp}, says: "password_main_app",
		},
		"the first of the menu": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"1", "ann", "p"}, flags: Flags{Add: true}, tier: "teams",
			asked: me, env: map[string]string{"username_analytics": "ann", "password_analytics": "p"}, auth: []project.Feature{project.Analytics},
			says: "Please specify the feature",
		},
		"by name": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"nothing", "main_app", "ann", "p"}, flags: Flags{Add: true},
			asked: me, env: map[string]string{"username_main_app": "ann", "password_main_app": "p"}, auth: []project.Feature{project.MainApp},
			says: "Please enter one of the listed features.",
		},
		"left by number": {files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"3"}, flags: Flags{Add: true}, asked: me},
		"left by name":   {files: map[string]string{"ploomber-cloud.json": protected}, answers: []string{"exit"}, flags: Flags{Remove: true}, asked: me},
		"nobody chooses": {flags: Flags{Add: true}, asked: me, code: failure.Failed, says: "--feature"},
		"carried over": {
			files: map[string]string{"ploomber-cloud.json": bare, ".env": stored}, flags: Flags{Add: true, Feature: project.MainApp},
			asked: me, env: map[string]string{"username_main_app": "ann", "password_main_app": "old"}, auth: []project.Feature{project.MainApp}, says: "carried over",
		},
		"only what is missing": {
			files: map[string]string{"ploomber-cloud.json": bare, ".env": "X=1\nusername_main_app=ann\npassword_main_app=\n"}, answers: []string{"new"},
			flags: Flags{Add: true, Feature: project.MainApp},
			asked: me, env: map[string]string{"X": "1", "username_main_app": "ann", "password_main_app": "new"}, auth: []project.Feature{project.MainApp},
		},
		"overwritten": {
			files: map[string]string{"ploomber-cloud.json": protected, ".env": stored}, answers: []string{"bob", "new"},
			flags: Flags{Add: true, Overwrite: true, Feature: project.MainApp},
			asked: me, env: map[string]string{"username_main_app": "bob", "password_main_app": "new"}, auth: []project.Feature{project.MainApp},
		},
		"a script's": {
			files: map[string]string{"ploomber-cloud.json": bare, ".env": stored}, answers: []string{" from stdin "},
			flags: Flags{Add: true, Feature: project.MainApp, Username: "bob", PasswordStdin: true},
			asked: me, env: map[string]string{"username_main_app": "bob", "password_main_app": " from stdin "}, auth: []project.Feature{project.MainApp},
		},
		"a password is not an answer": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"pass-word"}, flags: Flags{Add: true, Feature: project.MainApp, PasswordStdin: true},
			asked: me, code: failure.Failed, says: "--username",
		},
		"no password came": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{""}, flags: Flags{Add: true, Feature: project.MainApp, Username: "ann", PasswordStdin: true},
			code: failure.Failed, says: "no password came on standard input",
		},
		"the input ends after the user": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"ann"}, flags: Flags{Add: true, Feature: project.MainApp},
			asked: me, code: failure.Failed, says: "--password-stdin",
		},
		"made a project first": {
			files: map[string]string{"app.py": "import dash"}, answers: []string{"y", "y", "ann", "p"}, flags: Flags{Add: true, Feature: project.MainApp},
			asked: []string{"GET /users/me", "POST /projects/dash"}, env: map[string]string{"username_main_app": "ann", "password_main_app": "p"},
			auth: []project.Feature{project.MainApp}, says: "Project must be initialized to continue",
		},
		"no project wanted": {answers: []string{"n"}, flags: Flags{Add: true, Feature: project.MainApp}, asked: me, code: failure.Failed, says: "ploomber-cloud init"},
		"no key":            {files: map[string]string{"ploomber-cloud.json": bare}, flags: Flags{Add: true, Feature: project.MainApp}, noKey: true, code: failure.NotAllowed},
		"a tier without it": {files: map[string]string{"ploomber-cloud.json": bare}, flags: Flags{Add: true}, tier: "community", asked: me, refused: true, says: "not allowed"},
		"a tier without analytics": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"analytics"}, flags: Flags{Add: true}, asked: me, refused: true, says: "not allowed",
		},
		"offline, without a project": {
			answers: []string{"ann", "p"}, flags: Flags{Add: true, Offline: true, Feature: project.MainApp}, noKey: true,
			env: map[string]string{"username_main_app": "ann", "password_main_app": "p"},
		},
		"offline, with a project": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"ann", "p"}, flags: Flags{Add: true, Offline: true, Feature: project.Analytics}, noKey: true,
			env: map[string]string{"username_analytics": "ann", "password_analytics": "p"}, auth: []project.Feature{project.Analytics},
		},
		"offline, with a broken one": {
			files: map[string]string{"ploomber-cloud.json": "{"}, flags: Flags{Add: true, Offline: true, Feature: project.MainApp}, code: failure.Failed, says: "init --force",
		},
		"an API, which the file has no place for": {
			files: map[string]string{"ploomber-cloud.json": bare}, answers: []string{"ann", "p"}, flags: Flags{Add: true, Feature: project.API},
			asked: me, env: map[string]string{"username_api": "ann", "password_api": "p"}, says: "the platform does not protect api",
		},
		"removed": {
			files: map[string]string{"ploomber-cloud.json": protected, ".env": "# mine\nX=1\n" + stored}, flags: Flags{Remove: true, Feature: project.MainApp},
			asked: me, env: map[string]string{"X": "1"}, auth: []project.Feature{}, says: "Successfully removed password authentication",
		},
		"removed without .env": {
			files: map[string]string{"ploomber-cloud.json": protected}, flags: Flags{Remove: true, Feature: project.MainApp}, asked: me, auth: []project.Feature{},
		},
		"an API removed": {
			files: map[string]string{"ploomber-cloud.json": bare, ".env": "password_api=p\nX=1\n"}, flags: Flags{Remove: true, Feature: project.API},
			asked: me, env: map[string]string{"X": "1"},
		},
		"nothing to remove": {
			files: map[string]string{"ploomber-cloud.json": bare, ".env": stored}, flags: Flags{Remove: true, Feature: project.MainApp},
			asked: me, code: failure.Failed, says: "No authentication found",
		},
		"no API to remove":        {files: map[string]string{"ploomber-cloud.json": protected, ".env": stored}, flags: Flags{Remove: true, Feature: project.API}, asked: me, code: failure.Failed, says: "No authentication found"},
		"no project to remove it": {flags: Flags{Remove: true, Feature: project.MainApp}, asked: me, code: failure.Failed, says: "ploomber-cloud init"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			d.NoKey = tc.noKey
			if tc.tier != "" {
				d.Cloud.SetTier(tc.tier)
			}
			err := auth(t.Context(), &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Flags: tc.flags})
			checkEnding(t, d, err, tc.code, tc.refused, tc.says)
			if asked := d.Asked(); !slices.Equal(asked, append([]string{}, tc.asked...)) {
				t.Errorf("asks %q, want %q", asked, tc.asked)
			}
			checkFiles(t, d, tc.files, tc.env, tc.auth)
			for _, v := range tc.env {
				if len(v) > 3 && strings.Contains(d.Said(err), v) {
					t.Errorf("shows %q", v)
				}
			}
		})
	}
}

func checkEnding(t *testing.T, d *cmdtest.Setup, err error, code int, refused bool, says string) {
	t.Helper()
	said := d.Said(err)
	var lacks *tier.Refusal
	if errors.As(err, &lacks) != refused || !refused && failure.Code(err) != code {
		t.Errorf("exit status %d, want %d: %v", failure.Code(err), code, err)
	}
	if !strings.Contains(said, says) || strings.Contains(said, "pass-word") {
		t.Errorf("says %q, want %q", said, says)
	}
}

func checkFiles(t *testing.T, d *cmdtest.Setup, before, env map[string]string, auth []project.Feature) {
	t.Helper()
	if env == nil {
		if now := d.Read(".env"); now != before[".env"] || now == "" && slices.Contains(d.Files(), ".env") {
			t.Errorf(".env is %q, was %q", now, before[".env"])
		}
	} else {
		f, err := dotenv.Parse([]byte(d.Read(".env")))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, p := range f.Values(nil) {
			got[p.Key] = p.Value
		}
		if !maps.Equal(got, env) {
			t.Errorf(".env holds %q, want %q", got, env)
		}
	}
	if auth == nil {
		if now := d.Read("ploomber-cloud.json"); now != before["ploomber-cloud.json"] {
			// The file may have been written anew with the same content.
			a, b := map[string]any{}, map[string]any{}
			if json.Unmarshal([]byte(now), &a) != nil || json.Unmarshal([]byte(before["ploomber-cloud.json"]), &b) != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("the configuration is %q, was %q", now, before["ploomber-cloud.json"])
			}
		}
		return
	}
	c, err := d.Folder().Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []project.Feature{project.MainApp, project.Analytics} {
		at := c.Credentials(f)
		want := slices.Contains(auth, f)
		if (at != nil) != want || want && *at != *project.Reference(f.UsernameKey(), f.PasswordKey()) {
			t.Errorf("%s: %+v, protected should be %t", f, at, want)
		}
	}
}

// One feature's credentials leave the other's as they are.
func TestAuthKeepsTheOtherFeature(t *testing.T) {
	t.Parallel()
	const literal = `{"id": "demo", "type": "dash", "authentication_analytics": {"username": "u", "password": "p"}}`
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": literal}, "ann", "p")
	err := auth(t.Context(), &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Flags: Flags{Add: true, Feature: project.MainApp}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Folder().Load()
	if err != nil || c.AuthenticationAnalytics.Password.Text != "p" || c.Authentication == nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAuthJSON(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": bare}, "ann", "p")
	d.JSON()
	if err := auth(t.Context(), &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Flags: Flags{Add: true, Feature: project.MainApp}}); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal([]byte(d.Out()), &r); err != nil || !r.Protected || r.CarriedOn || r.Feature != project.MainApp ||
		!slices.Equal(r.SecretKeys, []string{"username_main_app", "password_main_app"}) {
		t.Errorf("%s: %v", d.Out(), err)
	}
}

// Who has no key learns that none is needed here.
func TestWithoutAKeyNamesOffline(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	d.NoKey = true
	err := cmdtest.Run(t.Context(), New(Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect}, nil), "--add", "--feature=main_app")
	if failure.Code(err) != failure.NotAllowed || !strings.Contains(failure.Hint(err), "--offline") {
		t.Errorf("%v, hint %q", err, failure.Hint(err))
	}
}
