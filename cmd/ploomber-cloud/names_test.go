package main_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// handedOver are files that people take for a .env, or paste into one. CANARY is what must not be shown.
func handedOver() map[string]string {
	padded := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("CANARY", 9)[:n])) }
	pem := "-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\nb2RvCANARY2==\n-----END PRIVATE KEY-----\n"
	utf16le := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("TOKEN=CANARY\n")) {
		utf16le = append(utf16le, byte(u), byte(u>>8))
	}
	return map[string]string{
		"a key without quotes":      "KEY=" + pem + "A=1\n",
		"a key with an open quote":  "KEY=\"" + pem + "A=1\n",
		"a key without a name":      pem,
		"a key in one line":         "A=1\n-----BEGIN EC PRIVATE KEY-----\nCANARYa1b2=\n-----END EC PRIVATE KEY-----\n",
		"a key of OpenPGP":          "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: CANARY\n\nlQOYBGCANARY1\nb2RvCANARY2=\n=CANA\n-----END PGP PRIVATE KEY BLOCK-----\n",
		"a token":                   "sk-live-CANARY",
		"a token with padding":      "c2stbGl2ZS1CANARY=\n",
		"a token with more padding": "c2stbGl2ZS1CANARY==\n",
		"a token of the web":        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJCANARY.c2lnCANARY=\n",
		"base64 in lines":           "CANARY4" + padded(46) + "\nCANARY5" + padded(46) + "\nCANARY6=\n",
		"an address":                "postgres://ana:CANARY@db/app?sslmode=require\n",
		"a service account":         "{\n  \"type\": \"service_account\",\n  \"keys\": {\"CANARY\": \"CANARY==\"}\n}\n",
		"JSON in one line":          "{\"token\":\"CANARY==\",\"n\":1}\n",
		"JSON with tokens as names": "{\"sk-live-CANARY\":{}}\n",
		"JSON with odd names":       "{\"sk-live-CANARY\":\"x\"}\n",
		"JSON that breaks off":      "{\"token\":\"CANARY\n",
		"a JSON list":               "[\"CANARY==\"]\n",
		"a JSON string":             "\"CANARY==\"\n",
		"YAML":                      "token: CANARY\nother:CANARY==\nkey: |\n  b2RvCANARY2==\nlist:\n- CANARY\n",
		"YAML with our names":       "AUTH_CLIENT_SECRET:CANARY==\nAUTH_SECRET:CANARY=1\nPLOOMBER_PROXY_LISTEN:CANARY=1\npassword_main_app:CANARY=1\n",
		"TOML":                      "[CANARY]\nkey = \"\"\"\nb2RvCANARY2==\n\"\"\"\nlist = [\n  \"CANARY==\",\n]\n",
		"CSV":                       "Access key ID,Secret access key\nAKIACANARY,wJalrCANARY/x+y=\n",
		"XML":                       "<key>CANARY==</key>\n",
		"netrc":                     "machine example.com login ana password CANARY=1\n",
		"pgpass":                    "db:5432:app:ana:CANARY=1\n",
		"a public key":              "ssh-rsa AAAAB3NzaC1CANARY== ana\nAAAAB3NzaC1yc2ECANARY= ana\n",
		"a header":                  "Authorization: Basic CANARY==\nAuthorization:CANARY==\n",
		"PowerShell":                "$env:CANARY=\"x\"\n",
		"UTF-16":                    string(utf16le),
		"UTF-16 without a mark":     "C\x00A\x00N\x00A\x00R\x00Y\x00=\x001\x00\nCANARY\x00=1\n",
		"binary":                    "\x00\x01CANARY=\x02\n\x7fELF\x00CANARY",
		"names alone":               "CANARYTOKEN\nexport CANARYTOKEN2\n",
	}
}

// What a line of a file holds is in no output, and in no file that may be committed, unless it is clearly a name.
func TestContentIsNoName(t *testing.T) {
	t.Parallel()
	commands := [][]string{
		{"secrets", "list"}, {"secrets", "list", "--json"}, {"secrets", "list", "--reveal"},
		{"secrets", "diff"}, {"secrets", "diff", "--json"}, {"secrets", "diff", "--exit-code"},
		{"secrets", "set", "B", "--stdin"}, {"secrets", "unset", "B"}, {"secrets", "import", "given"}, {"secrets", "import", "-", "--json"},
		{"__complete", "secrets", "unset", ""}, {"__complete", "secrets", "set", "C"},
		{"deploy", "--dry-run"}, {"deploy", "--dry-run", "--json"}, {"deploy"}, {"deploy", "--verbose"},
		{"github", "--yes", "--add-secrets"}, {"github", "--yes", "--add-secrets", "--json"},
		{"auth", "--add", "--feature", "main_app", "--username", "ana", "--password-stdin"},
		{"doctor"}, {"doctor", "--json"}, {"status"}, {"up", "--no-input"}, {"export", "nginx"},
		{"proxy", "--check"}, {"proxy", "--check", "--env-file", "given"}, {"proxy", "--print-config", "--json"},
	}
	for name, text := range handedOver() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, args := range commands {
				p := newPlace(t, map[string]string{
					".env": text, "given": text, "ploomber-cloud.json": `{"id": "named", "type": "flask"}`, "app.py": "import flask\n", ".git/HEAD": "",
				})
				p.cloud.AddProject(fakecloud.Project{
					ID: "named", Type: "flask", Jobs: []string{"job-1"},
					Secrets: []string{"b2RvCANARY2", "c2stbGl2ZS1CANARY", "CANARY\x00", "AUTH_SECRET:CANARY", "KEY"},
				})
				p.cloud.SetPage("/workflow.yaml", 200, []byte("env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\n"))
				stdin := "new"
				if slices.Contains(args, "-") {
					stdin = text
				}
				_, stdout, stderr := p.run(t, stdin, args...)
				fit(t, stdout, strings.ReplaceAll(stderr, "\nError: ", "\n"))
				for file, content := range readTree(t, p.app) {
					if file != ".env" && file != "given" && strings.Contains(content, "CANARY") {
						t.Errorf("%s holds the content", file)
					}
				}
				if t.Failed() {
					t.Fatalf("%q says\n%s%s", args, stdout, stderr)
				}
			}
		})
	}
}

// What cannot be taken for an assignment is named by file and line, by every command that reads the file.
func TestUnclearLinesAreNamed(t *testing.T) {
	t.Parallel()
	const env = "KEY=-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\nb2RvCANARY2==\n-----END PRIVATE KEY-----\nmy.name-x=1\nEMPTY=\n"
	for name, tc := range map[string]struct {
		args  []string
		shows []string
	}{
		"secrets list":         {[]string{"secrets", "list"}, []string{"KEY", "my.name-x", "EMPTY", ".env:2 ", ".env:3 ", ".env:4 "}},
		"secrets list as JSON": {[]string{"secrets", "list", "--json"}, []string{`"unclear_lines":[2,3,4]`}},
		"secrets diff":         {[]string{"secrets", "diff"}, []string{"+ KEY", "+ my.name-x", "+ EMPTY", "1 more"}},
		"dry run":              {[]string{"deploy", "--dry-run"}, []string{"KEY, my.name-x, EMPTY, line 3 of .env", ".env, line 2 ", ".env, line 3 ", ".env, line 4 "}},
		"dry run as JSON":      {[]string{"deploy", "--dry-run", "--json"}, []string{`"secrets":["KEY","my.name-x","EMPTY"],"secret_lines":[3]`}},
		"deploy":               {[]string{"deploy"}, []string{".env, line 2 ", ".env, line 3 ", ".env, line 4 "}},
		"github":               {[]string{"github", "--yes", "--add-secrets"}, []string{"KEY, EMPTY", "my.name-x", ".env, line 3 "}},
		"doctor":               {[]string{"doctor"}, []string{".env:2 ", ".env:3 ", ".env:4 "}},
		"completion":           {[]string{"__complete", "secrets", "unset", ""}, []string{"KEY\n", "my.name-x\n", "EMPTY\n"}},
		"proxy":                {[]string{"proxy", "--check", "--public"}, []string{".env, line 2 ", ".env, line 3 ", ".env, line 4 "}},
		"import":               {[]string{"secrets", "import", "given"}, []string{"given:3: ", "given:4: "}},
		"import of a token":    {[]string{"secrets", "import", "token.txt"}, []string{"token.txt:1"}},
		"import from stdin":    {[]string{"secrets", "import", "-"}, []string{"standard input:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{
				".env": env, "given": env, "token.txt": "sk-live-CANARY", "ploomber-cloud.json": myProject, "app.py": "import flask\n", ".git/HEAD": "",
			})
			p.cloud.SetPage("/workflow.yaml", 200, []byte("env:\n  PLOOMBER_CLOUD_KEY: ${{ secrets.PLOOMBER_CLOUD_KEY }}\n"))
			_, stdout, stderr := p.run(t, "sk-live-CANARY\n", tc.args...)
			fit(t, stdout, stderr)
			for _, want := range tc.shows {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("does not say %q", want)
				}
			}
			if t.Failed() {
				t.Logf("%s%s", stdout, stderr)
			}
		})
	}
}

// A value that no environment can hold is named before the app is started.
func TestUpNamesNUL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"A=1\nB=x\x00y\n": ".env: the variable B ", "A=1\nB='x\x00y'\n": ".env: the variable B ",
		"A=1\nCANARY\x00B=1\n": ".env, line 2 ", "A=1\nb2RvCANARY2==\x00\n": ".env, line 2 ",
	} {
		p := newPlace(t, map[string]string{".env": text, "app.py": "import flask\n", "requirements.txt": "flask\n"})
		exit, stdout, stderr := p.run(t, "", "up", "--public", "--type", "flask", "--no-input")
		fit(t, stdout, stderr)
		if exit != 1 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "NUL") {
			t.Errorf("%q: status %d, want 1 and %q\n%s%s", text, exit, want, stdout, stderr)
		}
	}
}

// Names that earlier runs left in files, or that are values in the wrong place, are not repeated either.
func TestConfigurationsShowNoValues(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"a value among the names":   `{"id": "my-app", "type": "flask", "secret-keys": ["TOKEN=CANARY"]}`,
		"a token among the names":   `{"id": "my-app", "type": "flask", "secret-keys": ["sk-live-CANARY"]}`,
		"a password as a reference": `{"id": "my-app", "type": "flask", "authentication": {"username": {"secret": "u"}, "password": {"secret": "hunter2-CANARY!"}}}`,
		"a token as a key":          `{"id": "my-app", "type": "flask", "sk-live-CANARY": 1}`,
		"a token twice":             `{"id": "my-app", "type": "flask", "ignore": [{"sk-live-CANARY": 1, "sk-live-CANARY": 1}]}`,
		"a token as the type":       `{"id": "my-app", "type": "sk-live-CANARY"}`,
		"a token as a resource":     `{"id": "my-app", "type": "flask", "resources": {"sk-live-CANARY": 1}}`,
		"a token in the login":      `{"id": "my-app", "type": "flask", "authentication": {"sk-live-CANARY": 1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{"ploomber-cloud.json": config, "app.py": "import flask\n"})
			for _, args := range [][]string{
				{"deploy"}, {"deploy", "--dry-run"}, {"secrets", "list"}, {"secrets", "list", "--json"}, {"secrets", "diff"}, {"labels"}, {"doctor"},
				{"up"}, {"proxy", "--check"}, {"export", "nginx"}, {"status"},
			} {
				_, stdout, stderr := p.run(t, "", args...)
				fit(t, stdout, strings.ReplaceAll(stderr, "\nError: ", "\n"))
				if t.Failed() {
					t.Fatalf("%q says\n%s%s", args, stdout, stderr)
				}
			}
		})
	}
}
