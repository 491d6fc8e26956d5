package cloudapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// The proof as Python's own library computes it from the description.
func TestProofOfPython(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	out, err := exec.Command(python, "-c", `
import base64, hashlib, hmac
key = hashlib.sha256(b"the owner's key").digest()
message = b"ploomber-cloud platform proof\nhttp://127.0.0.1:8000\nn0nce"
print(base64.urlsafe_b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode().rstrip("="))`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := Proof(ProofKey("the owner's key"), "http://127.0.0.1:8000", "n0nce"); got != strings.TrimSpace(string(out)) {
		t.Errorf("proof %s, Python's is %s", got, out)
	}
}

func TestProve(t *testing.T) {
	t.Parallel()
	key := ProofKey(testKey)
	other := base64.RawURLEncoding.EncodeToString(make([]byte, nonceSize))
	for name, tc := range map[string]struct {
		proof func(base, nonce string) string
		want  error
	}{
		"the platform":        {func(base, nonce string) string { return Proof(key, base, nonce) }, nil},
		"another key":         {func(base, nonce string) string { return Proof(ProofKey("guess"), base, nonce) }, ErrUnproven},
		"recorded":            {func(base, _ string) string { return Proof(key, base, other) }, ErrUnproven},
		"of another address":  {func(_, nonce string) string { return Proof(key, "http://127.0.0.1:1", nonce) }, ErrUnproven},
		"nothing":             {func(string, string) string { return "" }, ErrUnproven},
		"the nonce":           {func(_, nonce string) string { return nonce }, ErrUnproven},
		"with something more": {func(base, nonce string) string { return Proof(key, base, nonce) + "A" }, ErrUnproven},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen http.Header
			var base string
			base = serve(t, func(w http.ResponseWriter, r *http.Request) {
				seen = r.Header
				nonce := r.URL.Query().Get("nonce")
				if r.URL.Path != "/api/v1/proof" || !ValidNonce(nonce) {
					t.Errorf("asked for %s", r.URL)
				}
				_ = json.NewEncoder(w).Encode(ProofReply{tc.proof(base, nonce)})
			})
			err := Prove(t.Context(), Options{BaseURL: base, Key: testKey, Retries: -1})
			if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if text := fmt.Sprint(seen, err); strings.Contains(text, testKey) || len(seen.Values(keyHeader)) > 0 {
				t.Errorf("the key is sent or shown: %s", text)
			}
		})
	}
}

func TestProveFails(t *testing.T) {
	t.Parallel()
	web := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	for name, o := range map[string]Options{
		"no key":     {BaseURL: web},
		"a web page": {BaseURL: web, Key: testKey},
		"nobody":     {BaseURL: "http://127.0.0.1:1", Key: testKey, Retries: -1},
	} {
		if err := Prove(t.Context(), o); err == nil || errors.Is(err, ErrUnproven) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
