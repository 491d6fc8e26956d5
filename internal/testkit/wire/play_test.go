package wire

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"
)

const pretending = "WIRE_TEST_PROGRAM"

// TestMain lets the test binary stand in for the program under test: started with the variable set, it does
// what its first argument says.
func TestMain(m *testing.M) {
	if os.Getenv(pretending) != "" {
		os.Exit(pretend(os.Args[1]))
	}
	os.Exit(m.Run())
}

func pretend(what string) int {
	switch what {
	case "ask":
		r, err := http.NewRequest(http.MethodGet, os.Getenv("PLOOMBER_CLOUD_API_URL")+"/projects/p", nil)
		if err != nil {
			return 1
		}
		r.Header.Set("api_key", StoredKey)
		r.Header.Set("Accept", jsonType)
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			return 1
		}
		_, _ = io.Copy(os.Stdout, reply.Body)
	case "echo":
		_, _ = io.Copy(os.Stderr, os.Stdin)
	case "write":
		return failed(os.WriteFile("new.txt", []byte("new"), 0o600))
	case "escape":
		return failed(os.WriteFile("../../evil.txt", nil, 0o600))
	case "delete":
		return failed(os.Remove("old.txt"))
	case "secret":
		fmt.Println(os.Getenv("CALLER_SECRET"))
	case "hang":
		time.Sleep(time.Hour)
	case "3":
		return 3
	}
	return 0
}

func failed(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// Play shows what a real process did: each of these differs from an outcome of "nothing at all, exit 0".
func TestPlay(t *testing.T) {
	t.Setenv("CALLER_SECRET", "canary")
	program := Program{Path: os.Args[0], Env: []string{pretending + "=1"}, Environ: os.Environ(), Now: time.Now}
	reply := Reply{"GET", "/projects/p", 200, jsonType, []byte(`{"id": "p"}`)}
	for name, tc := range map[string]struct {
		does string
		want Outcome
		diff string // "" where the outcome is what happens
	}{
		"nothing":            {"nothing", Outcome{}, ""},
		"exit status":        {"3", Outcome{}, "exit: wanted 0, saw 3"},
		"request":            {"ask", Outcome{Requests: []Request{{Method: "GET", Path: "/projects/p"}}, Says: []string{`"ID": "p"`}}, ""},
		"unwanted request":   {"ask", Outcome{}, "GET /projects/p"},
		"answers":            {"echo", Outcome{Says: []string{"typed"}}, ""},
		"missing output":     {"echo", Outcome{Says: []string{"typo"}}, `wanted "typo" in it`},
		"new file":           {"write", Outcome{Project: []Content{{"new.txt", "new"}}}, ""},
		"unwanted file":      {"write", Outcome{}, "new.txt: was left there"},
		"deleted file":       {"delete", Outcome{Project: []Content{{"old.txt", Gone{}}}}, ""},
		"unwanted deletion":  {"delete", Outcome{}, "old.txt: was deleted"},
		"file outside":       {"escape", Outcome{}, "outside: evil.txt"},
		"caller's variables": {"secret", Outcome{Says: []string{"canary"}}, `wanted "canary" in it`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &Case{Key: StoredKey, Project: []File{{Path: "old.txt", Text: "old"}}, Steps: []Step{{
				Args: []string{tc.does}, Stdin: "typed\n", Replies: []Reply{reply}, Wants: []Outcome{tc.want},
			}}}
			found, err := Play(t.Context(), program, c, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(found, "\n"); (tc.diff == "") != (text == "") || !strings.Contains(text, tc.diff) {
				t.Errorf("differences %q, want %q", text, tc.diff)
			}
		})
	}
}

// A program that hangs is killed and reported, not waited for.
func TestPlayKills(t *testing.T) {
	t.Parallel()
	program := Program{
		Path: os.Args[0], Env: []string{pretending + "=1"}, Environ: os.Environ(), Now: time.Now, Limit: 200 * time.Millisecond,
	}
	c := &Case{Steps: []Step{{Args: []string{"hang"}, Wants: []Outcome{{}}}}}
	found, err := Play(t.Context(), program, c, t.TempDir())
	if err != nil || len(found) == 0 || !strings.Contains(found[0], "timed out") {
		t.Errorf("differences %q, %v; want a time-out", found, err)
	}
}

func TestServerReplies(t *testing.T) {
	t.Parallel()
	s := serve([]Reply{
		{"GET", "/a", 200, "text/plain", []byte("1")}, {"GET", "/a", 200, "text/plain", []byte("2")},
		{"POST", "/a", 201, "text/plain", []byte("3")},
	}, nil)
	var got []string
	for _, method := range []string{"GET", "GET", "GET", "POST", "POST", "PUT"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, "/a", nil))
		got = append(got, fmt.Sprintf("%s %d %.1s", method, w.Code, w.Body))
	}
	want := "GET 200 1, GET 200 2, GET 200 2, POST 201 3, POST 404 {, PUT 404 {"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
	if n := len(s.requests()); n != 6 {
		t.Errorf("%d requests were kept, want 6", n)
	}
}

func TestUploadMistakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		write func(*multipart.Writer)
		want  string
	}{
		"a field twice":     {func(w *multipart.Writer) { _ = w.WriteField("a", "1"); _ = w.WriteField("a", "2") }, "sent twice"},
		"no JSON":           {func(w *multipart.Writer) { _ = w.WriteField("labels", "[") }, "field labels"},
		"secrets as object": {func(w *multipart.Writer) { _ = w.WriteField("secrets", `{"A": "1"}`) }, "not a list"},
		"a secret twice": {func(w *multipart.Writer) {
			_ = w.WriteField("secrets", `[{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]`)
		}, "not a list"},
		"a key too many": {func(w *multipart.Writer) {
			_ = w.WriteField("secrets", `[{"key": "A", "value": "1", "x": 1}]`)
		}, "not a list"},
		"another name":  {func(w *multipart.Writer) { attach(w, "files", "x.zip", zipType) }, "sent as files, x.zip"},
		"another field": {func(w *multipart.Writer) { attach(w, "file", "app.zip", zipType) }, "sent as file, app.zip"},
		"another type":  {func(w *multipart.Writer) { attach(w, "files", "app.zip", "text/plain") }, "text/plain"},
		"no archive":    {func(w *multipart.Writer) { attach(w, "files", "app.zip", zipType) }, "cannot be read"},
		"two archives": {func(w *multipart.Writer) {
			attach(w, "files", "app.zip", zipType)
			attach(w, "files", "app.zip", zipType)
		}, "two archives"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body bytes.Buffer
			w := multipart.NewWriter(&body)
			tc.write(w)
			_ = w.Close() // writes to memory
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Content-Type", w.FormDataContentType())
			if found := strings.Join(see(r, body.Bytes()).Mistakes, "\n"); !strings.Contains(found, tc.want) {
				t.Errorf("mistakes %q do not tell %q", found, tc.want)
			}
		})
	}
}

func attach(w *multipart.Writer, field, file, media string) {
	p, _ := w.CreatePart(textproto.MIMEHeader{ // writes to memory
		"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, field, file)}, "Content-Type": {media},
	})
	_, _ = io.WriteString(p, "no archive")
}
