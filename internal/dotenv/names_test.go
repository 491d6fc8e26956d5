package dotenv

import (
	"encoding/base32"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file  string
		names []string
		lines []int // that are not clear assignments
	}{
		"assignments": {file: "A=1\nexport B='x'\n'C'=\"two\nlines\"\nD= # none\nE=\n", names: []string{"A", "B", "C", "D", "E"}},
		"unusual names": {
			file:  "my.key=1\nmy-key=2\nsmall=3\n_x=4\nGröße=5\n2FA_SECRET=6\nclientId=7\nOAuth2ClientID=8\nS3_BUCKET_2=9\n",
			names: []string{"my.key", "my-key", "small", "_x", "Größe", "2FA_SECRET", "clientId", "OAuth2ClientID", "S3_BUCKET_2"},
		},
		"unusual names without a value": {
			file:  "my.key=\nmy-key=\nsmall=\nclientId=\nS3_BUCKET_2=\nOAUTH2=\nX=\n",
			names: []string{"my.key", "my-key", "small", "clientId", "S3_BUCKET_2", "OAUTH2", "X"},
		},
		"unusual values":            {file: "A=***\nB=-\nC='='\nD=\"\"\nE=/\n", names: []string{"A", "B", "C", "D", "E"}},
		"a name without value":      {file: "A\nB=1\nexport C\n", names: []string{"B"}, lines: []int{1, 3}},
		"a key without quotes":      {file: "KEY=-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\nb2RvCANARY2==\n-----END PRIVATE KEY-----\nA=1\n", names: []string{"KEY", "A"}, lines: []int{2, 3, 4}},
		"a key of one line":         {file: "KEY=-----BEGIN PRIVATE KEY-----\nCANARY=\n-----END PRIVATE KEY-----\n", names: []string{"KEY"}, lines: []int{2, 3}},
		"a key alone":               {file: "-----BEGIN EC PRIVATE KEY-----\nCANARY=\n-----END EC PRIVATE KEY-----\n", lines: []int{1, 2, 3}},
		"an open quote":             {file: "KEY=\"-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\nb2RvCANARY=\n-----END PRIVATE KEY-----\n", lines: []int{1, 2, 3, 4}},
		"base64 of any padding":     {file: "b2RvCANARY2==\nb2RvCANARY2=\n\nGEZDGNBVCANARY===\nb2RvCANARY2\nb2RvCANARY2== # note\nb2RvCANARY2==,\nb2RvCANARY2=\"\"\n", names: []string{"b2RvCANARY2"}, lines: []int{1, 2, 4, 5, 6, 7}},
		"wrapped base64":            {file: "CANARYCANARYCANARY\nCANARY=\nA=\n", names: []string{"A"}, lines: []int{1, 2}},
		"names without values":      {file: "A\nB=\nexport LONG_NAME_WITHOUT_VALUE\nD=\n", names: []string{"B", "D"}, lines: []int{1, 3}},
		"a token":                   {file: "sk-live-CANARY", lines: []int{1}},
		"a token with padding":      {file: "sk-live-CANARY=", lines: []int{1}},
		"a public key":              {file: "ssh-rsa AAAAB3NzaC1CANARY== ana\nAAAAB3NzaC1yc2ECANARY= ana\n", lines: []int{1, 2}},
		"addresses":                 {file: "postgres://ana:CANARY@db/app?sslmode=require\nhttps://x/?token=CANARY\nana:CANARY=1\n", lines: []int{1, 2, 3}},
		"JSON":                      {file: "{\"token\":\"CANARY==\"}\n{\n\"token\": \"CANARY=\",\n\"key\":\"CANARY=x\"\n}\n", lines: []int{1, 2, 3, 4, 5}},
		"YAML":                      {file: "token: CANARY\ntoken:CANARY==\nkey: |\n  b2RvCANARY2=\n- CANARY=\n", lines: []int{1, 2, 3, 4, 5}},
		"TOML":                      {file: "[CANARY]\nkey = \"\"\"\nb2RvCANARY2=\n\"\"\"\nlist = [\n\"CANARY==\",\n]\n", lines: []int{1, 2, 3, 4, 5, 6, 7}},
		"CSV":                       {file: "id,CANARY\nid,CANARY==\n", lines: []int{1, 2}},
		"shell and markup":          {file: "$CANARY=1\n<key>CANARY==</key>\nCANARY&x=1\n--CANARY=1\n.CANARY=1\n'CA NARY'=1\n", lines: []int{1, 2, 3, 4, 5, 6}},
		"NUL and controls":          {file: "A\x00=1\nB\x1b[2J=1\n", lines: []int{1, 2}},
		"numbers":                   {file: "4111111111111111=1\n1234=\n", lines: []int{1, 2}},
		"clear once, unclear twice": {file: "A==\nA=1\nA\n", names: []string{"A"}, lines: []int{1, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(tc.file)
			if d := cmp.Diff(tc.names, f.Names()); d != "" {
				t.Errorf("names (- want, + got)\n%s", d)
			}
			var lines []int
			for _, doubt := range f.Doubts() {
				lines = append(lines, doubt.Line)
				if strings.Contains(doubt.String(), "CANARY") {
					t.Errorf("%q", doubt)
				}
			}
			if !slices.Equal(lines, tc.lines) {
				t.Errorf("unclear lines %v, want %v", lines, tc.lines)
			}
		})
	}
}

// No line of a key in PEM or of wrapped base64 is a name, whatever the bytes and however the lines are cut.
func TestBase64IsNoName(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		encoding := rapid.SampledFrom([]interface{ EncodeToString([]byte) string }{
			base64.StdEncoding, base64.URLEncoding, base32.StdEncoding,
		}).Draw(t, "encoding")
		text := encoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), 24, 300).Draw(t, "bytes"))
		width := rapid.SampledFrom([]int{64, 70, 76, 1 << 20}).Draw(t, "width")
		var lines []string
		for ; len(text) > width; text = text[width:] {
			lines = append(lines, text[:width])
		}
		file := strings.Join(append(lines, text), "\n") + "\n"
		if rapid.Bool().Draw(t, "in PEM") {
			file = "KEY=-----BEGIN PRIVATE KEY-----\n" + file + "-----END PRIVATE KEY-----\n"
		}
		for _, name := range parse(file).Names() {
			if name != "KEY" {
				t.Fatalf("%q is a name in %q", name, file)
			}
		}
	})
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	got := Describe("f", parse("A==\n"+strings.Repeat("x\n", 30)+"B=1\nx\n").Doubts(), func(file string, d Doubt) string {
		return file + " " + d.String()
	})
	if want := "f: lines 21-31, 33 are not clear assignments either"; len(got) != 21 || got[20] != want {
		t.Errorf("%d sentences, the last %q; want 21 and %q", len(got), got[len(got)-1], want)
	}
	if want := "f is not a clear assignment: " + maybeValue; got[0] != want {
		t.Errorf("%q; want %q", got[0], want)
	}
}
