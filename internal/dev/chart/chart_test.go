package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/dev/chart"
)

const page = "<!-- startup -->\n| command | ours | Python tool | CPU | CPU |\n| --- | --- | --- | --- | --- |\n| `--version` | 5.0 ms | 500.0 ms | 0.01 | 2 |\n<!-- /startup -->\n" +
	"<!-- deploy-50 -->\n| 50 MB | wall | peak memory |\n| --- | --- | --- |\n| Python tool | 3.00 s | 100.0 MB |\n| ours | 300.0 ms | 30.0 MB |\n<!-- /deploy-50 -->\n" +
	"<!-- deploy-400 -->\n| 400 MB | wall | peak memory |\n| --- | --- | --- |\n| Python tool | 20.00 s | 500.0 MB |\n| ours | 2.00 s | 25.0 MB |\n<!-- /deploy-400 -->\n" +
	"<!-- proxy -->\n| ratio | measured |\n| --- | --- |\n| x | 1 |\n\n| contestant | 1 KB, 32 connections |\n| --- | --- |\n" +
	"| ploomber-cloud, session cookie | 1.5 (1-2) |\n| nginx `auth_basic`, {SHA} | 1 (1-1) |\n| caddy `basicauth`, bcrypt, cached | 4 (3-5) |\n" +
	"| nginx `auth_basic`, apr1 | 7 (6-8) |\n| express-openid-connect, session cookie | 30 (20-40) |\n<!-- /proxy -->\n"

func TestDraw(t *testing.T) {
	t.Parallel()
	svg, err := chart.Draw(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`class="ours" x="250" y="64" width="4"`, // a hundredth of the room of 410
		`width="410"`, ">500.0 ms<", ">2.00 s<", ">25.0 MB<", ">1.5<", ">express-openid-connect, session cookie<",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// What is not in the tables is missed, not drawn as nothing.
func TestDrawMisses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"a table": {"<!-- deploy-50 -->", ""}, "a row": {"| ours | 2.00 s | 25.0 MB |\n", ""}, "a contestant": {"| caddy", "| other"},
		"a figure": {"5.0 ms", "-"}, "all rows": {"| `--version` | 5.0 ms | 500.0 ms | 0.01 | 2 |\n", ""},
	} {
		if _, err := chart.Draw(strings.Replace(page, change[0], change[1], 1)); err == nil {
			t.Errorf("%s is missing, and nobody says so", name)
		}
	}
}

// The picture in the repository shows what the page says. 'go run ./internal/dev bench --chart' draws it.
func TestPictureIsThePages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile("../../../docs/images/benchmarks.svg")
	if err != nil {
		t.Fatal(err)
	}
	want, err := chart.Draw(string(text))
	if err != nil || want != string(picture) {
		t.Errorf("docs/images/benchmarks.svg is not drawn from docs/benchmarks.md (%v)", err)
	}
}
