package bench

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

// The same size must give the same project everywhere, else figures of two machines do not compare.
func TestMakeProjectIsRepeatable(t *testing.T) {
	t.Parallel()
	const size = 25_000_000
	first, files, bytes := digest(t, size)
	second, _, _ := digest(t, size)
	if first != second {
		t.Error("two projects of one size differ")
	}
	if files < smallFiles || bytes < size*9/10 || bytes > size*11/10 {
		t.Errorf("%d files of %d bytes", files, bytes)
	}
}

func digest(t *testing.T, size int64) (sum [32]byte, files int, total int64) {
	t.Helper()
	dir := t.TempDir()
	if err := makeProject(dir, size); err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		h.Write([]byte(path[len(dir):]))
		h.Write(b)
		files, total = files+1, total+int64(len(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(h.Sum(nil)), files, total
}

func TestSinkSwallows(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("files", "app.zip")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(make([]byte, 1_000_000)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	s := &sink{}
	s.expect(&kept)
	r := httptest.NewRequest(http.MethodPost, "/jobs/webservice/docker?project_id=x", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if up := s.seen(); w.Code != http.StatusOK || up.size != 1_000_000 || up.first.IsZero() || kept.Len() != 1_000_000 {
		t.Errorf("status %d, saw %+v, kept %d bytes", w.Code, up, kept.Len())
	}
}

func TestSameContents(t *testing.T) {
	t.Parallel()
	base := map[string]string{"a.txt": "one", ".env": "", "d/": ""}
	for name, tc := range map[string]struct {
		files map[string]string
		wrong bool
	}{
		"the same":         {files: map[string]string{"a.txt": "one", ".env": "", "d/": ""}},
		"without empties":  {files: map[string]string{"a.txt": "one"}},
		"another content":  {files: map[string]string{"a.txt": "two"}, wrong: true},
		"a file too many":  {files: map[string]string{"a.txt": "one", "b.txt": ""}, wrong: true},
		"a file too few":   {files: map[string]string{}, wrong: true},
		"values of secret": {files: map[string]string{"a.txt": "one", ".env": "A=b"}, wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := contents(archive(t, base))
			if err != nil {
				t.Fatal(err)
			}
			got, err := contents(archive(t, tc.files))
			if err == nil {
				err = compare(want, got)
			}
			if (err != nil) != tc.wrong {
				t.Errorf("error %v, want wrong %v", err, tc.wrong)
			}
		})
	}
}

func archive(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for want, ratios := range map[string]series.Series{
		"not measured": nil, "within the bound": {0.01, 0.02, 0.5}, "**missed**": {0.02, 0.021, 0.03},
	} {
		if got := within(ratios, startBound); got != want {
			t.Errorf("%v: %s, want %s", ratios, got, want)
		}
	}
}
