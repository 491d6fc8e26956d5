package settings_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whatever else is in the file is the same for PyYAML, with which the reference tool reads it, after a key was stored.
func TestPyYAMLReadsTheRestUnchanged(t *testing.T) {
	t.Parallel()
	python := os.Getenv("PLOOMBER_TEST_PYTHON")
	if python == "" {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal("PLOOMBER_TEST_PYTHON must name a Python with PyYAML")
		}
		t.Skip("PLOOMBER_TEST_PYTHON names no Python with PyYAML")
	}
	for name, before := range map[string]string{
		"of the reference tool": "cloud_key: null\nstats_enabled: true\nuser_email: null\nversion_check_enabled: true\nuid: 5c0b1c4e-7f3d-4f8e-9a53-1b0a5a3e8d11\nlast_version_check: 2024-03-01 10:20:30.123456\n",
		"YAML 1.1":              "a: yes\nb: 012\nc: 1:30\nd: ~\ne: 1_000\nf: 'no'\ng: \"on\"\nh: 2024-03-01\ni: .inf\nj: 0x1F\nk: y\n",
		"texts":                 "a: |\n  two\n  lines\nb: >-\n  folded\n  text\nc: \"tab\\tand \\u00e9\"\nd: 'it''s'\ne: a b  c\nf: 'é: #'\n",
		"nested":                "a: {b: [1, 2], c: {}}\nd:\n- e\n- f: 1\n  g: 2\n? x\n: y\n",
		"anchors":               "a: &base {x: 1}\nb:\n  <<: *base\n  y: 2\nc: *base\n",
		"CRLF":                  "a: 1\r\n# why\r\nb: two\r\n",
		"byte-order mark":       "\ufeffa: 1\n",
		"set twice":             "cloud_key: a\nb: 1\ncloud_key: c\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			write(t, configFile(home), before)
			want := pyYAML(t, python, []byte(before))
			if _, err := with(home).StoreKey("key-0123"); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(configFile(home))
			if err != nil {
				t.Fatal(err)
			}
			want["cloud_key"] = "'key-0123'"
			if got := pyYAML(t, python, after); !reflect.DeepEqual(got, want) {
				t.Errorf("PyYAML reads %v\nwant %v\nfrom\n%s", got, want, after)
			}
		})
	}
}

// pyYAML returns what PyYAML reads from a mapping: the text of each key, and how Python writes its value.
func pyYAML(t *testing.T, python string, data []byte) (values map[string]string) {
	t.Helper()
	cmd := exec.Command(python, "-c",
		"import json, sys, yaml; print(json.dumps({str(k): repr(v) for k, v in yaml.safe_load(sys.stdin.buffer).items()}))")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("PyYAML: %v, reading\n%s", err, data)
	}
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// FuzzStoreKey: a file that can be read has the key afterwards, and everything else as before; any other stays as it is.
func FuzzStoreKey(f *testing.F) {
	for _, text := range []string{"", "# c\n", "a: 1 # c\n\n# d\ncloud_key: x\n", "{a: b}", "? [x]\n: y\n", "#\xf8", "a: &x {}\nb: *x\n", "%YAML 1.2\n---\na: |+\n\n  b\n...\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		home := t.TempDir()
		write(t, configFile(home), string(data))
		want := map[any]any{}
		readable := yaml.Unmarshal(data, &want) == nil // duplicates are not
		s := with(home)
		if _, err := s.StoreKey("key-0123"); err != nil {
			if after, _ := os.ReadFile(configFile(home)); !bytes.Equal(after, data) {
				t.Errorf("%v, but the file became\n%s", err, after)
			}
			return
		}
		if k, err := s.Key(); err != nil || k.Reveal() != "key-0123" {
			t.Fatalf("read back %q, %v", k.Reveal(), err)
		}
		if !readable {
			return
		}
		if want == nil { // null
			want = map[any]any{}
		}

		after, _ := os.ReadFile(configFile(home))
		got := map[any]any{}
		if err := yaml.Unmarshal(after, &got); err != nil {
			t.Fatalf("%v in\n%s", err, after)
		}
		if want["cloud_key"] = "key-0123"; !reflect.DeepEqual(got, want) {
			t.Errorf("got  %#v\nwant %#v\nfrom\n%s", got, want, after)
		}
	})
}
