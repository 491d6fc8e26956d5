package templatescmd

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func is(b bool) *bool { return &b }

func TestFlags(t *testing.T) {
	t.Parallel()
	type parsed struct {
		template string
		Flags
	}
	flagtest.Run(t, func(got *parsed) *cobra.Command {
		return New(Options{}, func(_ context.Context, name string, o *Options) error { *got = parsed{name, o.Flags}; return nil })
	}, flagtest.Cases[parsed]{
		"a name": {Args: []string{"auth0"}, Want: parsed{template: "auth0"}},
		"auth0's": {
			Args: []string{"auth0", "--client-id=i", "--issuer=u", "--client-secret-stdin"},
			Want: parsed{"auth0", Flags{ClientID: "i", Issuer: "u", ClientSecretStdin: true}},
		},
		"vllm's": {
			Args: []string{"vllm", "--model=a/b", "--hf-token-stdin", "--deploy"},
			Want: parsed{"vllm", Flags{Model: "a/b", TokenStdin: true, DeployNow: is(true)}},
		},
		"not to deploy": {Args: []string{"vllm", "--deploy=false"}, Want: parsed{"vllm", Flags{DeployNow: is(false)}}},
		"no name":       {Code: failure.Usage},
		"two names":     {Args: []string{"auth0", "vllm"}, Code: failure.Usage},
	})
}

func options(d *cmdtest.Setup, f Flags) *Options {
	return &Options{IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Connect: d.Connect, Environ: d.Lookup, Random: rand.Reader, Flags: f}
}

func TestUnknownTemplate(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	err := apply(t.Context(), "okta", options(d, Flags{}))
	if failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), "auth0") || !strings.Contains(err.Error(), "vllm") {
		t.Errorf("%v", err)
	}
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	const (
		config = `{"id": "demo", "type": "dash"}`
		tenant = "https://t.us.auth0.com"
	)
	all := func(id, secret, issuer string) map[string]string {
		return map[string]string{"AUTH_CLIENT_ID": id, "AUTH_CLIENT_SECRET": secret, "AUTH_ISSUER_BASE_URL": issuer}
	}
	for name, tc := range map[string]struct {
		env     string
		vars    map[string]string
		flags   Flags
		answers []string
		want    map[string]string // of .env, but for AUTH_SECRET; nil: an error, and nothing written
		says    string
	}{
		"asked for": {answers: []string{"id", "hush", tenant}, want: all("id", "hush", tenant), says: "Successfully configured Auth0"},
		"flags win over .env": {
			env: "AUTH_CLIENT_ID=stored\nAUTH_CLIENT_SECRET=stored\nAUTH_ISSUER_BASE_URL=https://stored.example.test\n", answers: []string{"piped"},
			flags: Flags{ClientID: "flag", Issuer: tenant, ClientSecretStdin: true}, want: all("flag", "piped", tenant),
		},
		".env wins over the environment": {
			env:  "AUTH_CLIENT_ID=stored\nAUTH_CLIENT_SECRET=\n",
			vars: all("env", "env", tenant), want: all("stored", "env", tenant),
		},
		"only what is missing": {
			env: "X=1\nAUTH_CLIENT_ID=stored\nAUTH_ISSUER_BASE_URL=" + tenant + "\n", answers: []string{"hush"},
			want: map[string]string{"X": "1", "AUTH_CLIENT_ID": "stored", "AUTH_CLIENT_SECRET": "hush", "AUTH_ISSUER_BASE_URL": tenant},
		},
		"a host of Auth0":           {answers: []string{"id", "s", "my.auth0.com/"}, want: all("id", "s", "https://my.auth0.com/")},
		"a stored host of Auth0":    {env: "AUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=t.auth0.com\n", want: all("i", "s", "https://t.auth0.com")},
		"an issuer without https":   {answers: []string{"id", "s", "idp.example.test", "ftp://x.auth0.co", tenant}, want: all("id", "s", tenant), says: "must start with https://"},
		"a wrong --issuer":          {flags: Flags{ClientID: "id", Issuer: "http://idp.example.test"}, answers: []string{"s"}, says: "must start with https://"},
		"a host as --issuer":        {flags: Flags{ClientID: "id", Issuer: "idp.example.test/realms/x"}, answers: []string{"s"}, want: all("id", "s", "https://idp.example.test/realms/x")},
		"a host of the system":      {vars: all("i", "s", "idp.example.test"), want: all("i", "s", "https://idp.example.test")},
		"a wrong one of the system": {vars: all("i", "s", "http://idp.example.test"), says: "must start with https://"},
		"a stored host, given anew": {
			env:   "AUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=idp.example.test\n",
			flags: Flags{Issuer: "idp.example.test"}, want: all("i", "s", "https://idp.example.test"),
		},
		"a wrong one that is kept": {
			env: "AUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=idp.example.test\n", want: all("i", "s", "idp.example.test"), says: "Warning",
		},
		"a secret is not an answer": {flags: Flags{ClientSecretStdin: true}, answers: []string{"hush"}, says: "--client-id"},
		"no secret came":            {flags: Flags{ClientID: "i", Issuer: tenant, ClientSecretStdin: true}, answers: []string{""}, says: "no client secret came"},
		"the input ends":            {answers: []string{"id", "s"}, says: "--issuer"},
		"the session is kept":       {env: "AUTH_SECRET=kept\nAUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=" + tenant + "\n", want: all("i", "s", tenant)},
		"an empty one is made":      {env: "AUTH_SECRET=\nAUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=" + tenant + "\n", want: all("i", "s", tenant)},
		"an address of one's own": {
			env:  "AUTH_BASE_URL=https://app.example.test/\nAUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=" + tenant + "\n",
			want: map[string]string{"AUTH_BASE_URL": "https://app.example.test/", "AUTH_CLIENT_ID": "i", "AUTH_CLIENT_SECRET": "s", "AUTH_ISSUER_BASE_URL": tenant},
			says: "https://app.example.test/callback",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"ploomber-cloud.json": config}
			if tc.env != "" {
				files[".env"] = tc.env
			}
			d := cmdtest.New(t, files, tc.answers...)
			d.Vars, d.NoKey = tc.vars, true // a project needs no account for this
			err := apply(t.Context(), "auth0", options(d, tc.flags))
			said := d.Said(err)
			if !strings.Contains(said, tc.says) || strings.Contains(said, "hush") {
				t.Errorf("says %q, want %q", said, tc.says)
			}
			if tc.want == nil {
				if err == nil || d.Read(".env") != tc.env || d.Read("ploomber-cloud.json") != config {
					t.Errorf("%v; files %q", err, d.Files())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := values(t, d.Read(".env"))
			session := got["AUTH_SECRET"]
			if kept := strings.Contains(tc.env, "AUTH_SECRET=kept"); kept != (session == "kept") || !kept && len(session) != 43 {
				t.Errorf("AUTH_SECRET is %q", session)
			}
			delete(got, "AUTH_SECRET")
			if !maps.Equal(got, tc.want) {
				t.Errorf(".env holds %q, want %q", got, tc.want)
			}
			if c, err := d.Folder().Load(); err != nil || c.Template != "node-auth0" || c.ID != "demo" {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func values(t *testing.T, text string) map[string]string {
	t.Helper()
	f, err := dotenv.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range f.Values(nil) {
		got[p.Key] = p.Value
	}
	return got
}

func TestAuth0MakesTheProject(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"app.py": "import dash"}, "y", "y", "id", "s", "t.auth0.com")
	if err := apply(t.Context(), "auth0", options(d, Flags{})); err != nil {
		t.Fatal(err)
	}
	if c, err := d.Folder().Load(); err != nil || c.ID != "dash-app-1" || c.Template != "node-auth0" {
		t.Errorf("%+v, %v", c, err)
	}
}

// models is a host that has one open and one gated model, whose token is "right".
func models(asked *[]string) func(context.Context, string, string) (ModelState, error) {
	return func(_ context.Context, name, token string) (ModelState, error) {
		*asked = append(*asked, strings.TrimSpace(name+" "+token))
		switch {
		case name == "down/host":
			return Unknown, errors.New("no network")
		case name == "facebook/opt-125m", name == "a/gated" && token == "right":
			return Usable, nil
		case name == "a/gated" && token == "":
			return Gated, nil
		}
		return Unknown, nil
	}
}

func TestVLLM(t *testing.T) {
	t.Parallel()
	files := []string{".env", "Dockerfile", "ploomber-cloud.json", "requirements.txt", "test-vllm.py"}
	for name, tc := range map[string]struct {
		files    map[string]string
		answers  []string
		vars     map[string]string
		flags    Flags
		models   []string // asked for, with the token
		token    string   // stored
		deployed bool
		made     bool // the project and its files
		fails    bool
		says     string
	}{
		"all by default": {answers: []string{"", ""}, models: []string{"facebook/opt-125m"}, deployed: true, made: true, says: "API KEY saved"},
		"not deployed":   {answers: []string{"", "n"}, models: []string{"facebook/opt-125m"}, made: true, says: "run 'ploomber-cloud deploy'"},
		"by flags":       {flags: Flags{Model: "facebook/opt-125m", DeployNow: is(false)}, models: []string{"facebook/opt-125m"}, made: true},
		"asked again": {
			answers: []string{"no/such", "not a name", "facebook/opt-125m", "n"}, models: []string{"no/such", "facebook/opt-125m"}, made: true, says: "no/such not found",
		},
		"gated": {
			answers: []string{"a/gated", "wrong", "right", "n"}, models: []string{"a/gated", "a/gated wrong", "a/gated right"}, token: "right", made: true, says: "HF_TOKEN",
		},
		"gated, by the environment": {
			vars: map[string]string{"HF_TOKEN": "right"}, flags: Flags{Model: "a/gated", DeployNow: is(false)},
			models: []string{"a/gated", "a/gated right"}, token: "right", made: true,
		},
		"gated, from standard input": {
			vars: map[string]string{"HF_TOKEN": "wrong"}, answers: []string{"right"}, flags: Flags{Model: "a/gated", TokenStdin: true, DeployNow: is(true)},
			models: []string{"a/gated", "a/gated right"}, token: "right", made: true, deployed: true,
		},
		"gated, the given token is wrong": {
			vars: map[string]string{"HF_TOKEN": "wrong"}, flags: Flags{Model: "a/gated"}, models: []string{"a/gated", "a/gated wrong"}, fails: true, says: "does not give access",
		},
		"a token that is not needed": {
			answers: []string{"right"}, flags: Flags{Model: "facebook/opt-125m", TokenStdin: true, DeployNow: is(false)}, models: []string{"facebook/opt-125m"}, made: true,
		},
		"an unknown --model":  {flags: Flags{Model: "no/such"}, models: []string{"no/such"}, fails: true, says: "model not found: no/such"},
		"a --model like code": {flags: Flags{Model: "a/b; rm"}, fails: true, says: "--model"},
		"no network":          {flags: Flags{Model: "down/host"}, models: []string{"down/host"}, fails: true, says: "no network"},
		"nobody answers":      {fails: true, says: "--model"},
		"a file here":         {files: map[string]string{"app.py": ""}, fails: true, says: "empty directory"},
		"a hidden file here":  {files: map[string]string{".git/HEAD": ""}, fails: true, says: ".git is here"},
		"nobody to deploy":    {answers: []string{""}, models: []string{"facebook/opt-125m"}, made: true, fails: true, says: "--deploy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			d.Vars = tc.vars
			o := options(d, tc.flags)
			var asked []string
			deployed := false
			o.Model = models(&asked)
			o.Deploy = func(context.Context) error {
				deployed = true
				if !slices.Equal(d.Files(), files) {
					t.Errorf("deploys %q", d.Files())
				}
				return nil
			}
			err := apply(t.Context(), "vllm", o)
			said := d.Said(err)
			if (err != nil) != tc.fails || deployed != tc.deployed || !strings.Contains(said, tc.says) || strings.Contains(said, "right") {
				t.Errorf("%v, deployed %t, says %q; want %q", err, deployed, said, tc.says)
			}
			if !slices.Equal(asked, tc.models) {
				t.Errorf("asks for the models %q, want %q", asked, tc.models)
			}
			if !tc.made {
				if len(d.Asked()) > 0 || len(d.Files()) != len(tc.files) {
					t.Errorf("asks %q, leaves %q", d.Asked(), d.Files())
				}
				return
			}
			if !slices.Equal(d.Asked(), []string{"POST /projects/docker"}) || !slices.Equal(d.Files(), files) {
				t.Errorf("asks %q, makes %q", d.Asked(), d.Files())
			}
			env := values(t, d.Read(".env"))
			if _, stored := env["HF_TOKEN"]; len(env["VLLM_API_KEY"]) != 43 || env["HF_TOKEN"] != tc.token || stored != (tc.token != "") {
				t.Errorf(".env holds %d keys, HF_TOKEN %q", len(env), env["HF_TOKEN"])
			}
			c, err := d.Folder().Load()
			if err != nil || c.Resources == nil || c.Resources.GPU != 1 || c.Resources.CPU != 4 || c.Resources.RAM != 12 {
				t.Errorf("%+v, %v", c, err)
			}
			if test := d.Read("test-vllm.py"); !strings.Contains(test, c.ID) || !strings.Contains(test, "/v1/completions") {
				t.Errorf("test-vllm.py: %s", test)
			}
		})
	}
}

func TestVLLMRefusedByPlatform(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, nil)
	d.NoKey = true
	var asked []string
	o := options(d, Flags{Model: "facebook/opt-125m"})
	o.Model = models(&asked)
	if err := apply(t.Context(), "vllm", o); failure.Code(err) != failure.NotAllowed || len(d.Files()) > 0 {
		t.Errorf("%v, leaves %q", err, d.Files())
	}
}
