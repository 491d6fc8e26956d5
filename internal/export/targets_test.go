package export_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// refusal answers the two ways in which a target is judged: by our proxy and by the expressions for nginx.
type refusal struct {
	proxy *authproxy.Proxy
	lines []*regexp.Regexp
	clear []bool
}

func newRefusal(t testing.TB) *refusal {
	t.Helper()
	return newRefusalOf(t, config.Config{Public: true}, export.Targets())
}

// newNamesRefusal is for an app that one password covers.
func newNamesRefusal(t testing.TB) *refusal {
	t.Helper()
	return newRefusalOf(t, config.Config{Passwords: logins(config.MainApp)}, export.NameTargets())
}

func newRefusalOf(t testing.TB, c config.Config, targets []export.Target) *refusal {
	t.Helper()
	p, err := authproxy.New(c, authproxy.Options{Now: time.Now, Random: rand.Reader, BcryptCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	r := &refusal{proxy: p}
	for _, target := range targets {
		r.lines = append(r.lines, regexp.MustCompile("(?i)"+target.Expression))
		r.clear = append(r.clear, target.Clear)
	}
	return r
}

func (r *refusal) byProxy(target string) bool {
	w := httptest.NewRecorder()
	r.proxy.ServeHTTP(w, &http.Request{Method: "HEAD", RequestURI: target, Header: http.Header{}, Host: "x", RemoteAddr: "127.0.0.1:1",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody})
	return w.Code == http.StatusBadRequest
}

func (r *refusal) byNginx(target string) bool {
	for i, line := range r.lines {
		if line.MatchString("HEAD " + target + " HTTP/1.1") {
			return !r.clear[i]
		}
	}
	return true
}

// compare leaves out what cannot be in a request line.
func (r *refusal) compare(t testing.TB, target string) {
	t.Helper()
	if strings.ContainsAny(target, "\r\n ") {
		return
	}
	if ours, theirs := r.byProxy(target), r.byNginx(target); ours != theirs {
		t.Errorf("%q is refused by the proxy: %v, by the expressions: %v", target, ours, theirs)
	}
}

// Every byte, plain and escaped, in each kind of place.
func TestTargetsByteByByte(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*refusal{"rules": newRefusal(t), "one password": newNamesRefusal(t)} {
		t.Run(name, func(t *testing.T) { byteByByte(t, r) })
	}
}

func byteByByte(t *testing.T, r *refusal) {
	const hex = "0123456789abcdef"
	for c := range 256 {
		escaped := string([]byte{'%', hex[c>>4], hex[c&15]})
		for _, b := range []string{string([]byte{byte(c)}), escaped, strings.ToUpper(escaped)} {
			for _, around := range []string{"/", "/a?", "/%25", "/%252", "/%2", "/.", "/%c3", "/%e2%82", "/%f0%9f%98", "/%e0", "/%ed", "/%f4"} {
				for _, behind := range []string{"", "/", "a", "%80", "%80%80"} {
					r.compare(t, around+b+behind)
				}
			}
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*refusal{"rules": newRefusal(t), "one password": newNamesRefusal(t)} {
		t.Run(name, func(t *testing.T) { anyTargets(t, r) })
	}
}

func anyTargets(t *testing.T, r *refusal) {
	piece := rapid.SampledFrom([]string{"/", ".", "%2e", "%2E", "%2f", "%25", "%", "2", "e", "f", "%32", "%65", "a", "?", "#", "%23", ";", "%3b",
		"\\", "%5c", "%00", "%7f", "\x80", "\xc3\xa9", "%c3%a9", "%c3", "%a9", "..", "%20", "%ed%a0%80", "%f0%9f%98%80", "*", "http://x", ":", "\t", "\x00"})
	rapid.Check(t, func(rt *rapid.T) {
		target := "/" + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(rt, "pieces"), "")
		if rapid.Bool().Draw(rt, "without the first slash") {
			target = target[1:]
		}
		if ours, theirs := r.byProxy(target), r.byNginx(target); target != "" && !strings.ContainsAny(target, "\r\n ") && ours != theirs {
			rt.Fatalf("%q is refused by the proxy: %v, by the expressions: %v", target, ours, theirs)
		}
	})
}

func FuzzTargets(f *testing.F) {
	for _, seed := range []string{"/", "/a?b", "//", "/%2e", "/a/..", "/%25%32e", "/%c3%a9", "*", "http://a/b"} {
		f.Add([]byte(seed))
	}
	r, names := newRefusal(f), newNamesRefusal(f)
	f.Fuzz(func(t *testing.T, target []byte) {
		if len(target) > 0 && !bytes.ContainsAny(target, " \r\n") {
			r.compare(t, string(target))
			names.compare(t, string(target))
		}
	})
}
