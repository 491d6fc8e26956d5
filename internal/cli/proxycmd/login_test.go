package proxycmd

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// From where the login comes, and what counts where two say something.
func TestLogin(t *testing.T) {
	t.Parallel()
	const refers = `{"id": "d", "type": "dash", "authentication": {"username": {"secret": "WHO"}, "password": {"secret": "WHAT"}}}`
	const literal = `{"id": "d", "type": "dash", "authentication": {"username": "ann", "password": "CANARY_literal"}}`
	for name, tc := range map[string]struct {
		files, vars map[string]string
		set         func(*Options)
		want        string // rules, or what is wrong
	}{
		"the file":                    {files: map[string]string{".env": login}, want: "everything: password (user ann)"},
		"the environment alone":       {vars: map[string]string{"username_main_app": "eve", "password_main_app": "x"}, want: "everything: password (user eve)"},
		"the environment wins":        {files: map[string]string{".env": login}, vars: map[string]string{"username_main_app": "eve"}, want: "everything: password (user eve)"},
		"a named file":                {files: map[string]string{".env": "", "x/y.env": login}, set: func(o *Options) { o.Folder.EnvFile = "x/y.env" }, want: "everything: password (user ann)"},
		"a named file is missing":     {files: map[string]string{".env": login}, set: func(o *Options) { o.Folder.EnvFile = "y.env" }, want: "--env-file: file not found: "},
		"a folder is not a file":      {files: map[string]string{".env/x": login}, want: "it is a folder"},
		"a file in another code":      {files: map[string]string{".env": "A=\xff\n"}, want: "UTF-8"},
		"read as python-dotenv":       {files: map[string]string{".env": "WHO=ann\nexport username_main_app=\"${WHO}\"\npassword_main_app='a # b'\n"}, want: "everything: password (user ann)"},
		"the project refers":          {files: map[string]string{"ploomber-cloud.json": refers, ".env": "WHO=bob\nWHAT=x\n"}, want: "everything: password (user bob)"},
		"to the environment":          {files: map[string]string{"ploomber-cloud.json": refers}, vars: map[string]string{"WHO": "bob", "WHAT": "x"}, want: "everything: password (user bob)"},
		"to nowhere":                  {files: map[string]string{"ploomber-cloud.json": refers}, want: "WHAT: is missing or empty"},
		"the project has it":          {files: map[string]string{"ploomber-cloud.json": literal}, want: "everything: password (user ann)"},
		"a named project":             {files: map[string]string{"p/ploomber-cloud.json": literal}, set: func(o *Options) { o.Folder.Config = "p" }, want: "everything: password (user ann)"},
		"a named project is lost":     {set: func(o *Options) { o.Folder.Config = "p.json" }, want: "--config: file not found: "},
		"a broken project":            {files: map[string]string{"ploomber-cloud.json": "{", ".env": login}, want: "ploomber-cloud.json"},
		"Auth0 by its template":       {files: map[string]string{"ploomber-cloud.json": `{"id": "d", "type": "dash", "template": "node-auth0"}`}, want: "AUTH_CLIENT_ID: is missing"},
		"nothing":                     {want: "nothing protects the app"},
		"nothing, and meant so":       {set: func(o *Options) { o.Public = true }, want: "everything: open to everybody"},
		"public takes nothing away":   {files: map[string]string{".env": login}, set: func(o *Options) { o.Public = true }, want: "everything: password (user ann)"},
		"misspelt in the file":        {files: map[string]string{".env": login + "AUTH_SECRT=x\n"}, want: "AUTH_SECRT: unknown variable; did you mean AUTH_SECRET?"},
		"misspelt in the environment": {files: map[string]string{".env": login}, vars: map[string]string{"AUTH_BASEURL": "x"}, want: "AUTH_BASEURL: unknown variable; did you mean AUTH_BASE_URL?"},
		"a password, misspelt":        {files: map[string]string{".env": login}, vars: map[string]string{"USERNAME": "x", "PASSWORD_DB": "x", "pass_analytics": "x", "USER_ANALYTICS": "x"}, want: "pass_analytics: unknown variable; did you mean password_analytics?"},
		"one of the file, misspelt":   {files: map[string]string{".env": login + "password_mainapp=x\n"}, want: "password_mainapp: unknown variable; did you mean password_main_app?"},
		"others' passwords":           {files: map[string]string{".env": login}, vars: map[string]string{"USERNAME": "x", "PASSWORD_DB": "x", "password_db": "x", "username_postgres": "x"}, want: "everything: password (user ann)"},
		"small letters":               {files: map[string]string{".env": login}, vars: map[string]string{"auth_secret": "x"}, want: "auth_secret: unknown variable"},
		"a feature":                   {files: map[string]string{".env": login + "username_analytics=zoe\npassword_analytics=x\n"}, set: func(o *Options) { o.Feature = config.Analytics }, want: "everything: password (user zoe)"},
		"a feature without login":     {files: map[string]string{".env": login}, set: func(o *Options) { o.Feature = config.Analytics }, want: "--feature: analytics has no credentials: set username_analytics and password_analytics"},
		"the main app":                {files: map[string]string{".env": login + "username_analytics=zoe\npassword_analytics=x\n"}, set: func(o *Options) { o.Feature = config.MainApp }, want: "everything: password (user ann)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files)
			d.Vars = tc.vars
			o := options(t, d)
			if tc.set != nil {
				tc.set(o)
			}
			var wrong mistakes
			c := o.login(&wrong, func(text string) { t.Errorf("warned: %s", text) })
			said := (&config.Error{Mistakes: wrong}).Error()
			if len(wrong) == 0 {
				said = strings.Join(protection(c), "\n")
			}
			if !strings.Contains(said, tc.want) || strings.Contains(said, "CANARY") {
				t.Errorf("%q, want %q", said, tc.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{".env": login + "not a line CANARY\nPLOOMBER_PROXY_LISTEN=:1\n"})
	o := options(t, d)
	o.Check = true
	if err := o.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := d.Said(nil)
	if !strings.Contains(said, "line 3 is skipped") || !strings.Contains(said, "PLOOMBER_PROXY_LISTEN has an effect only as an environment variable") ||
		strings.Contains(said, "CANARY") {
		t.Error(said)
	}
}

// A login at a provider has to know where browsers find the app. Only a listener of this machine alone says that.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	const provider = "AUTH_CLIENT_ID=id\nAUTH_CLIENT_SECRET=secret\nAUTH_ISSUER_BASE_URL=tenant.example.com\nAUTH_SECRET=7Yw1Zt4uJq0XcVbN8mRsEd2LfKpGh3Ta\n"
	const missing = "AUTH_BASE_URL: is missing"
	for name, tc := range map[string]struct {
		listen, env string
		tls         bool
		want        string
	}{
		"given":              {":8080", "AUTH_BASE_URL=https://app.example.com\n", false, "https://app.example.com/callback"},
		"given with a slash": {":8080", "AUTH_BASE_URL=https://app.example.com/\n", false, "https://app.example.com/callback"},
		"given, on loopback": {"127.0.0.1:8080", "AUTH_BASE_URL=https://app.example.com\n", false, "https://app.example.com/callback"},
		"all interfaces":     {":8080", "", false, missing},
		"one of them":        {"192.0.2.7:8080", "", false, missing},
		"a free port":        {"127.0.0.1:0", "", false, missing},
		"loopback":           {"127.0.0.1:8080", "", false, "http://127.0.0.1:8080/callback"},
		"by name":            {"localhost:8080", "", false, "http://localhost:8080/callback"},
		"by IPv6":            {"[::1]:8080", "", false, "http://[::1]:8080/callback"},
		"by TLS":             {"localhost:8443", "", true, "https://localhost:8443/callback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, cmdtest.New(t, map[string]string{".env": provider + tc.env}))
			if o.Listen = tc.listen; tc.tls {
				o.TLSCert = "tls.crt"
			}
			var wrong mistakes
			warned := 0
			c := o.login(&wrong, func(string) { warned++ })
			said := (&config.Error{Mistakes: wrong}).Error()
			if len(wrong) == 0 {
				said = callback(c)
			}
			if !strings.HasPrefix(said, tc.want) || (warned > 0) != (tc.env == "" && tc.want != missing) {
				t.Errorf("%q, want %q; warned %d times", said, tc.want, warned)
			}
		})
	}
}
