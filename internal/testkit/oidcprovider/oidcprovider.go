// Package oidcprovider runs the npm package oidc-provider, an OpenID provider that others have written and certified,
// as the counterpart of tests. It must not know the product: what it accepts and sends is its own understanding of the
// standards. Around the package stands a script, node/provider.mjs, with a login page, a consent page and users.
package oidcprovider

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// Settings say what a provider knows. They cannot change while it runs.
type Settings struct {
	Clients []Client
	Users   []User
	// AccessTokenLife is that of access tokens; zero means an hour. Whole seconds.
	AccessTokenLife time.Duration
	// RenewedTokenLife is that of access tokens that a refresh brings; zero means AccessTokenLife.
	RenewedTokenLife time.Duration
	// RefreshTokens gives every client a refresh token at each login, and takes each only once.
	RefreshTokens bool
	// ThinIDTokens leaves everything but the subject to the userinfo endpoint, as the standard has it.
	ThinIDTokens bool
	// Port is where the provider listens on 127.0.0.1; zero takes a free one.
	Port int
}

// Client is an application that is registered at the provider.
type Client struct {
	ID              string   `json:"id"`
	Secret          string   `json:"secret"`
	Redirects       []string `json:"redirects,omitempty"`       // callback URLs; none for a program
	LogoutRedirects []string `json:"logoutRedirects,omitempty"` // where to go after a logout
	// BackchannelLogout is where the client is told that a user has logged out.
	BackchannelLogout string `json:"backchannelLogout,omitempty"`
	LogoutBySubject   bool   `json:"logoutBySubject,omitempty"` // the logout token names the user and no session
	PostSecret        bool   `json:"post,omitempty"`            // the secret comes in the form, not in the header
	Machine           bool   `json:"machine,omitempty"`         // may log in as itself, by client credentials
}

// User is a user who can log in.
type User struct {
	Subject  string         `json:"sub"` // also the name typed into the login page
	Password string         `json:"password"`
	Email    string         `json:"email,omitempty"`
	Verified bool           `json:"verified"`
	Claims   map[string]any `json:"claims,omitempty"` // others in the ID token, where the scope has profile
}

// Provider is one running provider. It is safe for concurrent use.
type Provider struct {
	t        testing.TB
	scripts  []string
	settings Settings
	key      jose.JSONWebKey

	mu    sync.Mutex
	run   *running // nil while stopped
	trace output.Buffer
}

type running struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// Start runs a provider until the test ends. Where the machine has no Node.js the test is skipped, or fails if
// PLOOMBER_TEST_REQUIRE is set.
func Start(t testing.TB, s Settings) *Provider {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	scripts, err := install(ctx, os.Getenv)
	if errors.Is(err, ErrNoNode) && os.Getenv("PLOOMBER_TEST_REQUIRE") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.AccessTokenLife == 0 {
		s.AccessTokenLife = time.Hour
	}
	if s.Port == 0 { // not one of the system's choice, which may be taken when the provider is resumed
		s.Port = freeport.For(t)
	}
	if s.RenewedTokenLife == 0 {
		s.RenewedTokenLife = s.AccessTokenLife
	}
	p := &Provider{t: t, scripts: scripts, settings: s}
	p.ChangeKey()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("the provider at %s said:\n%s", p.Issuer(), p.trace.String())
		}
	})
	p.Resume()
	return p
}

// Issuer is the provider's URL, which stays the same when it is stopped and resumed.
func (p *Provider) Issuer() string { return "http://127.0.0.1:" + strconv.Itoa(p.settings.Port) }

// ChangeKey makes another signing key, which counts from the next Resume on.
func (p *Provider) ChangeKey() {
	p.t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	p.key = jose.JSONWebKey{Key: private, KeyID: rand.Text(), Algorithm: "RS256", Use: "sig"}
}

// Stop ends the provider. What it knows of logins is lost, its signing key is
// not.
func (p *Provider) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return
	}
	_ = p.run.stdin.Close()
	_ = p.run.cmd.Process.Kill()
	_ = p.run.cmd.Wait() // killed: its status says nothing
	p.run = nil
}

// Resume starts the provider again where it was.
func (p *Provider) Resume() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	told, err := json.Marshal(map[string]any{
		"port": p.settings.Port, "clients": append([]Client{}, p.settings.Clients...), "users": append([]User{}, p.settings.Users...), "key": p.key,
		"accessTokenLife":  int(p.settings.AccessTokenLife / time.Second),
		"renewedTokenLife": int(p.settings.RenewedTokenLife / time.Second), "refreshTokens": p.settings.RefreshTokens,
		"thinIDTokens": p.settings.ThinIDTokens,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	// The provider gets the cookies of every app on this host, which elsewhere it would not.
	cmd := exec.Command("node", append([]string{"--max-http-header-size=262144"}, p.scripts...)...)
	cmd.Stderr = &p.trace
	stdin, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.run = &running{cmd, stdin}
	if _, err := stdin.Write(append(told, '\n')); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		p.settings.Port, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		p.t.Fatalf("the provider did not start: %v\n%s", err, p.trace.String())
	}
}

// Count returns how often something has happened since the start: "GET /jwks" and other requests, "grant
// authorization_code", "grant refresh_token", "login", "error invalid_request", "backchannel success".
func (p *Provider) Count(what string) int {
	p.t.Helper()
	var counts map[string]int
	if err := json.Unmarshal(p.ask("/-/counts"), &counts); err != nil {
		p.t.Fatal(err)
	}
	return counts[what]
}

// EndSessions tells the clients where the user has logged in, and that want to know, that the user has logged out.
// It fails the test unless all of them accept it.
func (p *Provider) EndSessions(subject string) {
	p.t.Helper()
	p.ask("/-/end?sub=" + url.QueryEscape(subject))
}

func (p *Provider) ask(path string) []byte {
	p.t.Helper()
	answer, err := http.Get(p.Issuer() + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s %s, %v", path, answer.Status, body, err)
	}
	return body
}

// MachineToken logs a client in as itself and returns the access token, a JWT for the audience.
func (p *Provider) MachineToken(c Client, audience string) string {
	p.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {audience}, "scope": {"read"}}
	request, err := http.NewRequest(http.MethodPost, p.Issuer()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(c.ID, c.Secret)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&token); err != nil || token.AccessToken == "" {
		p.t.Fatalf("no token: %s, %v", answer.Status, err)
	}
	return token.AccessToken
}

// Sign signs claims as the provider does, for a token that it would not issue.
func (p *Provider) Sign(tokenType string, claims map[string]any) string {
	p.t.Helper()
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(tokenType))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: p.key}, options)
	if err != nil {
		p.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}
