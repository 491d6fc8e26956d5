package oidc_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// negativeSerial is a certificate with the serial number -1, which crypto/x509 refuses to parse; WSO2 has given its keys
// such ones.
func negativeSerial(t *testing.T) string {
	t.Helper()
	template := x509.Certificate{SerialNumber: big.NewInt(1)}
	der := must(x509.CreateCertificate(rand.Reader, &template, &template, oidctest.RSAKey().Public(), oidctest.RSAKey()))
	der = bytes.Replace(der, []byte{2, 1, 1}, []byte{2, 1, 0xff}, 1)
	if _, err := x509.ParseCertificate(der); err == nil {
		t.Fatal("this certificate can be parsed")
	}
	return base64.StdEncoding.EncodeToString(der)
}

// Only the members that make a key, and those that say what it is for, decide whether it verifies signatures.
func TestKeyMembers(t *testing.T) {
	t.Parallel()
	certificate := negativeSerial(t)
	member := func(name string, value any) func(map[string]any) { return func(k map[string]any) { k[name] = value } }
	without := func(names ...string) func(map[string]any) {
		return func(k map[string]any) {
			for _, name := range names {
				delete(k, name)
			}
			k["x5c"] = []string{certificate}
		}
	}
	for name, tc := range map[string]struct {
		change func(map[string]any)
		none   bool
	}{
		"certificate with a negative serial number": {change: member("x5c", []string{certificate})},
		"invalid certificate":                       {change: member("x5c", []string{"?", ""})},
		"certificate as text":                       {change: member("x5c", certificate)},
		"certificate null":                          {change: member("x5c", nil)},
		"certificates of objects":                   {change: member("x5c", []any{map[string]any{}})},
		"thumbprint of no certificate":              {change: member("x5t", "AAAA")},
		"thumbprint in hexadecimal":                 {change: member("x5t", "d3:4d:b3:3f")},
		"thumbprint a number":                       {change: member("x5t#S256", 1)},
		"address of a certificate":                  {change: member("x5u", "no URL")},
		"unknown jsonObject":                        {change: member("ext", map[string]any{"a": []int{1}})},
		"member of an encryption key":               {change: member("iv", 7)},
		"member like another":                       {change: member("N", "AQAB")},
		"for verifying":                             {change: member("key_ops", []string{"verify"})},
		"for any operation":                         {change: member("key_ops", nil)},
		"use null":                                  {change: member("use", nil)},
		"numbers padded":                            {change: func(k map[string]any) { k["n"], k["e"] = k["n"].(string)+"==", k["e"].(string)+"=" }},
		"numbers in plain base64": {change: func(k map[string]any) {
			k["n"] = strings.NewReplacer("-", "+", "_", "/").Replace(k["n"].(string)) + "=="
		}},

		"for encryption":                 {change: member("use", "enc"), none: true},
		"for encryption, by operations":  {change: member("key_ops", []string{"encrypt"}), none: true},
		"operations not a list":          {change: member("key_ops", "verify"), none: true},
		"use a list":                     {change: member("use", []string{"sig"}), none: true},
		"only a certificate":             {change: without("n", "e"), none: true},
		"a certificate and half a key":   {change: without("e"), none: true},
		"no kind":                        {change: without("kty"), none: true},
		"kind unknown":                   {change: member("kty", "LWE"), none: true},
		"kind of another":                {change: member("kty", "EC"), none: true},
		"symmetric":                      {change: func(k map[string]any) { clear(k); k["kty"], k["k"], k["kid"] = "oct", "c2VjcmV0", "k1" }, none: true},
		"modulus not base64":             {change: member("n", "?"), none: true},
		"modulus that is a number":       {change: member("n", 7), none: true},
		"for an algorithm of encryption": {change: member("alg", "RSA-OAEP"), none: true},
		"private":                        {change: member("d", "AQAB"), none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			var key map[string]any
			text := must(json.Marshal(e.fake.Public[0]))
			if err := json.Unmarshal(text, &key); err != nil {
				t.Fatal(err)
			}
			odd := maps.Clone(key)
			tc.change(odd)
			set := []any{1, "key", map[string]any{"kty": "LWE", "kid": "k1"}, odd}
			e.fake.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(w, 200, map[string]any{"keys": set})
			}
			_, err := e.login(t)
			if (err != nil) != tc.none {
				t.Fatalf("error %v", err)
			}
			if !tc.none {
				return
			}
			e = newEnv(t, nil) // the good one beside it
			set = append(set, key)
			e.fake.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(w, 200, map[string]any{"keys": set})
			}
			_, err = e.login(t)
			wantErr(t, err, nil)
		})
	}
}

// The kinds other than RSA are read by their own members.
func TestKeyKinds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		private any
		public  any
		alg     jose.SignatureAlgorithm
	}{
		"EC":  {oidctest.ECKey(), oidctest.ECKey().Public(), jose.ES256},
		"OKP": {oidctest.EdKey(), oidctest.EdKey().Public(), jose.EdDSA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			e.fake.Key, e.fake.Alg = tc.private, tc.alg
			var key map[string]any
			if err := json.Unmarshal(must(json.Marshal(jose.JSONWebKey{Key: tc.public, KeyID: "k1", Use: "sig"})), &key); err != nil {
				t.Fatal(err)
			}
			key["x5c"], key["x5t"] = []string{negativeSerial(t)}, "?"
			e.fake.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(w, 200, map[string]any{"keys": []any{key}})
			}
			_, err := e.login(t)
			wantErr(t, err, nil)
			e = newEnv(t, nil)
			e.fake.Key, e.fake.Alg = tc.private, tc.alg
			delete(key, "x")
			e.fake.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(w, 200, map[string]any{"keys": []any{key}})
			}
			_, err = e.login(t)
			wantErr(t, err, oidc.ErrUnavailable)
		})
	}
}

// Providers for many tenants list the keys of all of them. A token's key id finds its own among them, wherever it is; a
// token without one does not make the proxy try hundreds.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before int // keys of others
		id     any // in the token's header; nil is none
		want   error
	}{
		"named":               {500, "k1", nil},
		"not named":           {10, nil, nil},
		"not named among all": {500, nil, oidc.ErrToken},
		"without end":         {1200, "k1", oidc.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, nil)
			other := must(rsa.GenerateKey(rand.Reader, 2048)).Public()
			var set []any
			for i := range tc.before {
				set = append(set, jose.JSONWebKey{Key: other, KeyID: fmt.Sprintf("other%d", i), Use: "sig"})
			}
			set = append(set, e.fake.Public[0])
			e.fake.Header = map[string]any{"kid": tc.id}
			e.fake.Handle["/keys"] = func(w http.ResponseWriter, _ *http.Request) {
				oidctest.WriteJSON(w, 200, map[string]any{"keys": set})
			}
			_, err := e.login(t)
			wantErr(t, err, tc.want)
		})
	}
}
