package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/settings"
)

// proofs stands for the platforms that serve on this machine: those whose API is listed prove that they know any key.
type proofs struct {
	serving []string
	asked   []string
}

func (p *proofs) prove(api, key string) error {
	p.asked = append(p.asked, api+" "+key)
	if slices.Contains(p.serving, api) {
		return nil
	}
	return errors.New("nothing answers at " + api)
}

const (
	here     = "http://127.0.0.1:8000"
	ownerKey = "key-of-the-owner"
	stored   = "stored-for-no-host"
)

// Where requests go and with which key, for everything that can say so, in the order in which it counts.
func TestPlace(t *testing.T) {
	t.Parallel()
	const (
		hosted = "https://cloud-prod.ploomber.io"
		team   = "https://team.example.com"
	)
	asks := []string{here + " " + ownerKey}
	for name, tc := range map[string]struct {
		env        []string
		url        string // --api-url
		local      bool   // --local
		login      string // host of 'login', with the key "of-the-team"; "local" has none
		registered []string
		serving    []string
		api, key   string   // key "" is an error
		page       string   // begin of the status page
		asked      []string // what has to prove itself
	}{
		"nothing":                            {api: hosted, key: stored, page: "https://www.platform.ploomber.io/"},
		"a platform here":                    {registered: []string{here}, serving: []string{here}, api: here, key: ownerKey, page: "http://127.0.0.1:3000/", asked: asks},
		"a platform that is down":            {registered: []string{here}, api: hosted, key: stored, page: "https://www.platform.ploomber.io/", asked: asks},
		"another port":                       {registered: []string{"http://127.0.0.1:7000"}, serving: []string{"http://127.0.0.1:7000"}, api: "http://127.0.0.1:7000", key: ownerKey, asked: []string{"http://127.0.0.1:7000 " + ownerKey}},
		"the default port first":             {registered: []string{"http://127.0.0.1:7000", here}, serving: []string{"http://127.0.0.1:7000", here}, api: here, key: ownerKey, asked: asks},
		"login before a platform here":       {login: team, registered: []string{here}, serving: []string{here}, api: team, key: "of-the-team", page: "https://board.example.com/"},
		"login to the platform here":         {login: "local", registered: []string{here}, serving: []string{here}, api: here, key: ownerKey, asked: asks},
		"login to a platform that is down":   {login: "local", registered: []string{here}, api: here, asked: asks},
		"the reference's variable":           {env: []string{"_PLOOMBER_CLOUD_ENV=prod"}, login: team, registered: []string{here}, serving: []string{here}, api: hosted, key: stored},
		"the reference's variable for here":  {env: []string{"_PLOOMBER_CLOUD_ENV=local"}, api: "http://localhost:8000", key: stored, page: "http://localhost:3000/"},
		"that variable with a platform here": {env: []string{"_PLOOMBER_CLOUD_ENV=local"}, registered: []string{here}, serving: []string{here}, api: here, key: ownerKey, page: "http://127.0.0.1:3000/", asked: asks},
		"that variable, taken port":          {env: []string{"_PLOOMBER_CLOUD_ENV=local"}, registered: []string{here}, api: here, asked: asks},
		"our variable":                       {env: []string{"PLOOMBER_CLOUD_API_URL=https://a.example"}, login: team, registered: []string{here}, serving: []string{here}, api: "https://a.example", key: stored},
		"our variable for the login's host":  {env: []string{"PLOOMBER_CLOUD_API_URL=" + team}, login: team, api: team, key: "of-the-team", page: "https://board.example.com/"},
		"our variable for a platform here":   {env: []string{"PLOOMBER_CLOUD_API_URL=" + here}, registered: []string{here}, serving: []string{here}, api: here, key: ownerKey, asked: asks},
		"our variable for another port here": {env: []string{"PLOOMBER_CLOUD_API_URL=http://127.0.0.1:9"}, registered: []string{here}, serving: []string{here}, api: "http://127.0.0.1:9", key: stored},
		"a key of the environment":           {env: []string{"PLOOMBER_CLOUD_KEY=typed"}, login: team, api: team, key: "typed"},
		"the flag":                           {url: "https://a.example", env: []string{"PLOOMBER_CLOUD_API_URL=https://b.example"}, login: team, api: "https://a.example"},
		"the flag for the login's host":      {url: team, login: team, api: team, key: "of-the-team"},
		"the flag for a platform here":       {url: "http://localhost:8000", registered: []string{here}, serving: []string{here}, api: here, key: ownerKey, asked: asks},
		"the short flag":                     {local: true, env: []string{"PLOOMBER_CLOUD_API_URL=https://b.example"}, registered: []string{here}, serving: []string{here}, api: here, key: ownerKey, asked: asks},
		"the short flag, nothing here":       {local: true, api: "http://localhost:8000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			write(t, configFile(home), "cloud_key: "+stored+"\n")
			setup := with(home)
			for _, api := range tc.registered {
				if err := setup.Register(platform(t, api)); err != nil {
					t.Fatal(err)
				}
			}
			switch tc.login {
			case "":
			case "local":
				mustLogin(t, setup, settings.Login{API: here}, "")
			default:
				mustLogin(t, setup, settings.Login{API: tc.login, Dashboard: "https://board.example.com"}, "of-the-team")
			}
			here := &proofs{serving: tc.serving}
			s := with(home, tc.env...)
			s.APIURL, s.Local, s.Prove = tc.url, tc.local, here.prove
			api, err := s.API()
			if err != nil || api != tc.api {
				t.Errorf("requests go to %s (%v), want %s", api, err, tc.api)
			}
			key, err := s.Key()
			if key.Reveal() != tc.key || (err == nil) != (tc.key != "") {
				t.Errorf("key %q (%v), want %q", key.Reveal(), err, tc.key)
			}
			if page, err := s.StatusPage("p", "j"); err != nil || !strings.HasPrefix(page, tc.page) || !strings.HasSuffix(page, "/applications/p/j") {
				t.Errorf("page %s (%v), want %s", page, err, tc.page)
			}
			if s.Hosted() != (tc.api == hosted) {
				t.Errorf("hosted: %v", s.Hosted())
			}
			if !slices.Equal(here.asked, tc.asked) {
				t.Errorf("asks for a proof: %q, want %q", here.asked, tc.asked)
			}
		})
	}
}

func mustLogin(t *testing.T, s *settings.Settings, l settings.Login, key string) {
	t.Helper()
	if _, err := s.StoreLogin(l, key); err != nil {
		t.Fatal(err)
	}
}

// Nothing is asked for a proof before it is known that a request is to be made.
func TestHostedAsksNobody(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	here := &proofs{}
	s := with(home)
	s.Prove = here.prove
	if !s.Hosted() {
		t.Error("an empty home has another place")
	}
	if err := s.Register(platform(t, "http://127.0.0.1:8000")); err != nil {
		t.Fatal(err)
	}
	if s.Hosted() || len(here.asked) > 0 {
		t.Errorf("hosted %v, asked %q", s.Hosted(), here.asked)
	}
	if _, err := s.API(); err != nil || !s.Hosted() || !strings.Contains(s.Silent(), "nothing answers") {
		t.Errorf("%v, hosted %v, silent %q", err, s.Hosted(), s.Silent())
	}
	_, err := s.Key()
	if hint := failure.Hint(err); !strings.Contains(hint, "nothing answers") {
		t.Errorf("hint %q", hint)
	}
}

func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := with(home)
	a, b := settings.Login{API: "https://a.example", Dashboard: "https://d.example"}, settings.Login{API: "https://b.example:8443"}
	mustLogin(t, s, a, "key-of-a")
	mustLogin(t, s, b, "key-of-b")
	if now, err := s.Login(); err != nil || *now != b {
		t.Errorf("logged in to %v, %v", now, err)
	}
	if was, err := s.Logout("https://c.example"); was || err != nil {
		t.Errorf("another host was forgotten: %v, %v", was, err)
	}
	if was, err := s.Logout(b.API); !was || err != nil {
		t.Errorf("not forgotten: %v, %v", was, err)
	}
	if now, err := s.Login(); err != nil || now != nil {
		t.Errorf("still logged in to %v, %v", now, err)
	}
	for api, want := range map[string]string{a.API: "key-of-a", b.API: ""} {
		s := with(home)
		s.APIURL = api
		if key, _ := s.Key(); key.Reveal() != want {
			t.Errorf("key of %s is %q, want %q", api, key.Reveal(), want)
		}
	}
	left, err := os.ReadFile(filepath.Join(home, ".ploomber", "stats", "hosts.yaml"))
	if err != nil || strings.Contains(string(left), "key-of-b") {
		t.Errorf("%s, %v", left, err)
	}
}

func TestLoginURL(t *testing.T) {
	t.Parallel()
	for value, tc := range map[string]struct {
		insecure bool
		want     string // "" for an error
	}{
		"https://a.example/":    {want: "https://a.example"},
		"http://a.example":      {},
		"http://b.example":      {insecure: true, want: "http://b.example"},
		"http://localhost:1":    {want: "http://localhost:1"},
		"a.example":             {insecure: true},
		"https://u:p@a.example": {insecure: true},
	} {
		if got, err := settings.LoginURL(value, tc.insecure); got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v", value, got, err)
		}
	}
}
