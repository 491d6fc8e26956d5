package pictures

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/browser"
	"github.com/ploomber/ploomber-cloud/internal/testkit/program"
)

const (
	root     = "../../.."
	maxBytes = 150_000 // of a picture
	patience = 5 * time.Minute
)

var (
	write  = flag.Bool("write", false, "take the pictures and write them to docs/images")
	builds program.Builds
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(builds.Main(m))
}

// What the pages show is in the repository, and loads at once.
func TestPicturesAreThere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(root + "/docs/guide/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, root+"/README.md", root+"/docs/benchmarks.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`!\[([^]]*)\]\(([^)]+)\)`).FindAllSubmatch(text, -1) {
			shown++
			info, err := os.Stat(filepath.Join(filepath.Dir(page), string(found[2])))
			switch {
			case err != nil:
				t.Errorf("%s: %v", page, err)
			case info.Size() > maxBytes:
				t.Errorf("%s: %s has %d bytes", page, found[2], info.Size())
			case len(found[1]) == 0:
				t.Errorf("%s: %s has no text for those who do not see it", page, found[2])
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows a picture")
	}
}

// A drawing must be regenerated when its text changes.
func TestDrawingsAreCurrent(t *testing.T) {
	t.Parallel()
	texts, err := filepath.Glob(root + "/docs/images/*.d2")
	if err != nil || len(texts) == 0 {
		t.Fatalf("no drawings: %v", err)
	}
	for _, text := range texts {
		source, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		drawing, err := os.ReadFile(strings.TrimSuffix(text, ".d2") + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(source)); !bytes.Contains(drawing, []byte(want)) {
			t.Errorf("%s was changed after it was drawn; run 'go run ./internal/dev pictures --only architecture'", text)
		}
	}
}

// TestLoginPicture shows the login page beside the app behind it, as 'demo' serves them.
func TestLoginPicture(t *testing.T) {
	if !*write {
		t.Skip("'go run ./internal/dev pictures --only login' takes it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	demo := startDemo(t, "streamlit/basic-app")
	b, err := browser.Start(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	page, err := b.Open(ctx, demo.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Resize(ctx, 800, 820); err != nil { // the whole chart
		t.Fatal(err)
	}
	if err := page.WaitFor(ctx, "document.querySelector('#password')"); err != nil {
		t.Fatal(err)
	}
	login := shot(ctx, t, page)
	fill, err := json.Marshal([]string{demo.Username, demo.Password})
	if err != nil {
		t.Fatal(err)
	}
	enter := "(([u, p]) => { document.querySelector('#username').value = u; document.querySelector('#password').value = p;" +
		"document.querySelector('form').submit() })(" + string(fill) + ")"
	if err := page.Eval(ctx, enter, nil); err != nil {
		t.Fatal(err)
	}
	if err := page.WaitFor(ctx, "text().includes('Busiest day') && all('canvas, svg.marks').length"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // the chart draws itself slowly, and nothing in the page tells when it is done
	app := shot(ctx, t, page)

	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, beside(half(login), half(app))); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxBytes {
		t.Fatalf("%d bytes", out.Len())
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "images", "login.png"), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// served is what 'demo --json' tells.
type served struct{ URL, Username, Password string }

func startDemo(t *testing.T, example string) served {
	t.Helper()
	c := exec.Command(builds.Path(t), "demo", "--json", "--example", example)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait() // interrupted
	})
	var s served
	if err := json.NewDecoder(out).Decode(&s); err != nil || !strings.HasPrefix(s.URL, "http") {
		t.Fatalf("the demo did not start: %v, %+v", err, s)
	}
	return s
}

func shot(ctx context.Context, t *testing.T, page *browser.Page) image.Image {
	t.Helper()
	data, err := page.Screenshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// half is a picture at half its size. Each channel keeps five bits, which nobody sees here, and a third of the bytes.
func half(from image.Image) image.Image {
	b := from.Bounds()
	to := image.NewRGBA(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			var sum [3]uint32
			for _, at := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				red, green, blue, _ := from.At(b.Min.X+2*x+at[0], b.Min.Y+2*y+at[1]).RGBA()
				sum[0], sum[1], sum[2] = sum[0]+red, sum[1]+green, sum[2]+blue
			}
			level := func(v uint32) uint8 { v = v / 4 >> 8; return uint8(v&0xf8 | v>>5) }
			to.SetRGBA(x, y, color.RGBA{level(sum[0]), level(sum[1]), level(sum[2]), 255})
		}
	}
	return to
}

// beside puts pictures of one height next to each other, each with a thin frame.
func beside(pictures ...image.Image) image.Image {
	const gap = 12
	width, height := -gap, 0
	for _, p := range pictures {
		width, height = width+p.Bounds().Dx()+2+gap, p.Bounds().Dy()+2
	}
	all := image.NewRGBA(image.Rect(0, 0, width, height))
	left := 0
	for _, p := range pictures {
		size := p.Bounds()
		for y := range size.Dy() + 2 {
			for x := range size.Dx() + 2 {
				c := color.Color(color.RGBA{0xd0, 0xd7, 0xde, 255})
				if x > 0 && y > 0 && x <= size.Dx() && y <= size.Dy() {
					c = p.At(size.Min.X+x-1, size.Min.Y+y-1)
				}
				all.Set(left+x, y, c)
			}
		}
		left += size.Dx() + 2 + gap
	}
	return all
}
