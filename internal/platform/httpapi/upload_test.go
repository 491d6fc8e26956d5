package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// discarded counts what it receives.
type discarded struct{ *memory }

func (discarded) Receive(_ context.Context, r io.Reader, limit int64) (string, int64, error) {
	n, err := io.Copy(io.Discard, io.LimitReader(r, limit+1))
	return "digest", n, err
}

// An archive is never in memory. The test is not parallel: it looks at the memory of the whole process.
func TestUploadMemoryIsFlat(t *testing.T) {
	const size = 400_000_000
	m := newMemory()
	base := serve(t, m, func(o *Options) { o.Archives = discarded{m} })
	p, _ := deployed(t, m, ownerKey)
	body := io.MultiReader(strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.zip\"\r\n\r\nPK"),
		&zeros{size - 2}, strings.NewReader("\r\n--x--\r\n"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	status, answer := send(t, "POST", base+"/jobs/webservice/dash?project_id="+p, ownerKey, body, "Content-Type", "multipart/form-data; boundary=x")
	runtime.ReadMemStats(&after)
	if status != 200 || m.deployments[1].Size != size {
		t.Fatalf("status %d %s, deployment %+v", status, answer, m.deployments[1:])
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
		t.Errorf("%d bytes allocated in all for an archive of %d", allocated, size)
	}
}

// Whatever is in a form, what comes of it is a deployment that can run, or a refusal.
func FuzzForm(f *testing.F) {
	part := "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.zip\"\r\n\r\nPK 1\r\n"
	for _, field := range []string{
		"", "secrets\"\r\n\r\n[{\"key\":\"A\",\"value\":\"b\"}]", "labels\"\r\n\r\n[\"a\"]", "cpu\"\r\n\r\n0.5", "message\"\r\n\r\nm",
		"authentication\"\r\n\r\n{\"username\":\"u\",\"password\":\"p\"}",
	} {
		f.Add("--x\r\nContent-Disposition: form-data; name=\"" + field + "\r\n" + part + "--x--\r\n")
	}
	f.Add(part + "--x--\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		a := &API{Options: newMemory().options()}
		r := httptest.NewRequest("POST", "http://127.0.0.1:8000/jobs/webservice/dash", strings.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		form, err := a.readForm(httptest.NewRecorder(), &request{Request: r, user: platform.User{Tier: platform.Owner}})
		if err != nil {
			var refused *refusal
			var problem *platform.Problem
			if !errors.As(err, &problem) && (!errors.As(err, &refused) || refused.status >= 500) {
				t.Errorf("an error of the platform: %v", err)
			}
			return
		}
		wrong := []error{form.limits.resources(form.resources)}
		for _, v := range form.secrets.Variables {
			if strings.ContainsAny(v.Name+v.Value, "\x00") || strings.Contains(v.Name, "=") || v.Name == "" {
				wrong = append(wrong, errors.New("a variable that cannot be set"))
			}
		}
		for _, label := range form.labels {
			wrong = append(wrong, checkText("a label", label, maxLabel))
		}
		for _, c := range []*platform.Credentials{form.secrets.Login, form.secrets.Analytics} {
			if c != nil && (c.Username == "" || c.Password == "") {
				wrong = append(wrong, errors.New("a login without name or password"))
			}
		}
		if form.message != "" {
			wrong = append(wrong, checkText("the message", form.message, maxMessage))
		}
		if err := errors.Join(wrong...); err != nil || form.archive == "" || form.template != "" && form.template != templateAuth0 {
			t.Errorf("form %+v: %v", form, err)
		}
	})
}
