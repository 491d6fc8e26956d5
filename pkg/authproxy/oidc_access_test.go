package authproxy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Security class 11: who may come in.
func TestClass11AccessRules(t *testing.T) {
	t.Parallel()
	company := config.Access{Domains: []string{"company.com"}}
	claim := func(name string, values ...string) config.Access {
		return config.Access{Claims: map[string][]string{name: values}}
	}
	ann := config.Access{Emails: []string{"ann@example.com"}}
	for name, tc := range map[string]struct {
		access config.Access
		claims map[string]any
		code   int // of the callback
	}{
		"no rule":                    {config.Access{}, nil, 302},
		"no rule, no e-mail":         {config.Access{}, map[string]any{"email": nil}, 302},
		"no rule, not verified":      {config.Access{}, map[string]any{"email_verified": false}, 302},
		"address":                    {ann, nil, 302},
		"address, letters":           {ann, map[string]any{"email": "ANN@Example.COM"}, 302},
		"address, letters in rule":   {config.Access{Emails: []string{"Ann@EXAMPLE.com"}}, nil, 302},
		"another address":            {ann, map[string]any{"email": "bob@example.com"}, 403},
		"address begins so":          {ann, map[string]any{"email": "ann@example.com.evil.com"}, 403},
		"address ends so":            {ann, map[string]any{"email": "joann@example.com"}, 403},
		"plus":                       {ann, map[string]any{"email": "ann+x@example.com"}, 403},
		"not verified":               {ann, map[string]any{"email_verified": false}, 403},
		"verified not said":          {ann, map[string]any{"email_verified": nil}, 403},
		"verified by a number":       {ann, map[string]any{"email_verified": 1}, 403},
		"verified as text":           {ann, map[string]any{"email_verified": "true"}, 302},
		"no address":                 {ann, map[string]any{"email": nil}, 403},
		"empty address":              {ann, map[string]any{"email": ""}, 403},
		"nobody":                     {config.Access{Emails: []string{}}, nil, 403},
		"domain":                     {company, map[string]any{"email": "x@company.com"}, 302},
		"domain, letters":            {company, map[string]any{"email": "x@Company.COM"}, 302},
		"domain below":               {company, map[string]any{"email": "x@sub.company.com"}, 403},
		"domain ends so":             {company, map[string]any{"email": "x@evilcompany.com"}, 403},
		"domain begins so":           {company, map[string]any{"email": "x@company.com.evil.com"}, 403},
		"two @":                      {company, map[string]any{"email": "attacker@evil.com@company.com"}, 403},
		"two @, other way":           {company, map[string]any{"email": "attacker@company.com@evil.com"}, 403},
		"quoted @":                   {company, map[string]any{"email": `"a@evil.com"@company.com`}, 403},
		"domain alone":               {company, map[string]any{"email": "@company.com"}, 403},
		"dot behind":                 {company, map[string]any{"email": "x@company.com."}, 403},
		"Kelvin sign":                {config.Access{Domains: []string{"kelvin.com"}}, map[string]any{"email": "x@\u212aelvin.com"}, 403},
		"long s":                     {config.Access{Emails: []string{"sue@example.com"}}, map[string]any{"email": "\u017fue@example.com"}, 403},
		"Cyrillic name":              {company, map[string]any{"email": "\u0430dmin@company.com"}, 403},
		"Cyrillic name, listed":      {config.Access{Emails: []string{"\u0430dmin@company.com"}}, map[string]any{"email": "\u0430dmin@company.com"}, 302},
		"Cyrillic":                   {company, map[string]any{"email": "x@\u0441ompany.com"}, 403},
		"full width":                 {company, map[string]any{"email": "x@\uff43ompany.com"}, 403},
		"full width @":               {company, map[string]any{"email": "x@evil.com\uff20company.com"}, 403},
		"soft hyphen":                {company, map[string]any{"email": "x@com\u00adpany.com"}, 403},
		"domain not verified":        {company, map[string]any{"email": "x@company.com", "email_verified": "yes"}, 403},
		"address or domain":          {config.Access{Emails: []string{"bob@x.org"}, Domains: []string{"example.com"}}, nil, 302},
		"empty and domain":           {config.Access{Emails: []string{}, Domains: []string{"example.com"}}, nil, 302},
		"group":                      {config.Access{Groups: []string{"staff", "admin"}}, map[string]any{"groups": []string{"x", "admin"}}, 302},
		"group as text":              {config.Access{Groups: []string{"admin"}}, map[string]any{"groups": "admin"}, 302},
		"group, letters":             {config.Access{Groups: []string{"admin"}}, map[string]any{"groups": "Admin"}, 403},
		"several in one":             {config.Access{Groups: []string{"admin"}}, map[string]any{"groups": "user,admin"}, 403},
		"no group":                   {config.Access{Groups: []string{"admin"}}, nil, 403},
		"no groups left":             {config.Access{Groups: []string{}}, map[string]any{"groups": []string{"admin"}}, 403},
		"groups are numbers":         {config.Access{Groups: []string{"1"}}, map[string]any{"groups": []int{1}}, 403},
		"control in a group":         {config.Access{Groups: []string{"admin"}}, map[string]any{"groups": []string{"admin", "a\n"}}, 403},
		"groups elsewhere":           {config.Access{Groups: []string{"a"}, GroupsClaim: "https://x/roles"}, map[string]any{"https://x/roles": []string{"a"}}, 302},
		"groups not there":           {config.Access{Groups: []string{"a"}, GroupsClaim: "https://x/roles"}, map[string]any{"groups": []string{"a"}}, 403},
		"group and domain":           {config.Access{Groups: []string{"a"}, Domains: []string{"example.com"}}, map[string]any{"groups": "a"}, 302},
		"group without domain":       {config.Access{Groups: []string{"a"}, Domains: []string{"company.com"}}, map[string]any{"groups": "a"}, 403},
		"domain without group":       {config.Access{Groups: []string{"a"}, Domains: []string{"example.com"}}, nil, 403},
		"claim":                      {config.Access{Claims: map[string][]string{"hd": {"x", "y"}}}, map[string]any{"hd": "y"}, 302},
		"another claim":              {config.Access{Claims: map[string][]string{"hd": {"x"}}}, map[string]any{"hd": "y"}, 403},
		"both claims":                {config.Access{Claims: map[string][]string{"hd": {"x"}, "dept": {"z"}}}, map[string]any{"hd": "x", "dept": "z"}, 302},
		"one of two claims":          {config.Access{Claims: map[string][]string{"hd": {"x"}, "dept": {"z"}}}, map[string]any{"hd": "x"}, 403},
		"claim without values":       {config.Access{Claims: map[string][]string{"hd": {}}}, map[string]any{"hd": "x"}, 403},
		"no claims left":             {config.Access{Claims: map[string][]string{}}, nil, 403},
		"empty value is none":        {config.Access{Claims: map[string][]string{"hd": {"x"}}}, map[string]any{"hd": ""}, 403},
		"true":                       {claim("email_verified", "true"), nil, 302},
		"false":                      {claim("email_verified", "true"), map[string]any{"email_verified": false}, 403},
		"false is wanted":            {claim("guest", "false"), map[string]any{"guest": false}, 302},
		"false is not said":          {claim("guest", "false"), nil, 403},
		"null is nothing":            {claim("guest", "null", "false", "0"), map[string]any{"guest": nil}, 403},
		"truth in letters":           {claim("guest", "True", "TRUE", "1", "yes"), map[string]any{"guest": true}, 403},
		"number":                     {claim("level", "3"), map[string]any{"level": 3}, 302},
		"negative number":            {claim("level", "-3"), map[string]any{"level": -3}, 302},
		"nought":                     {claim("level", "0"), map[string]any{"level": 0}, 302},
		"huge number":                {claim("level", "9007199254740993"), map[string]any{"level": json.RawMessage("9007199254740993")}, 302},
		"nearly that number":         {claim("level", "9007199254740993"), map[string]any{"level": json.RawMessage("9007199254740992")}, 403},
		"another number":             {claim("level", "3"), map[string]any{"level": 33}, 403},
		"number as text":             {claim("level", "3"), map[string]any{"level": "3"}, 302},
		"number written otherwise":   {claim("level", "03", "+3", "3.0", "3e0", " 3 "), map[string]any{"level": 3}, 403},
		"no integer":                 {claim("level", "3", "3.0"), map[string]any{"level": json.RawMessage("3.0")}, 403},
		"exponent":                   {claim("level", "3", "3e0"), map[string]any{"level": json.RawMessage("3e0")}, 403},
		"negative nought":            {claim("level", "0", "-0"), map[string]any{"level": json.RawMessage("-0")}, 403},
		"numbers in a list":          {claim("level", "3", "[3]"), map[string]any{"level": []int{3}}, 403},
		"truth in a list":            {claim("guest", "true"), map[string]any{"guest": []bool{true}}, 403},
		"object":                     {claim("guest", "true"), map[string]any{"guest": map[string]any{"is": true}}, 403},
		"inside of another":          {claim("account.level", "3"), map[string]any{"account": map[string]any{"level": 3}}, 302},
		"a number as a group":        {config.Access{Groups: []string{"3", "true"}}, map[string]any{"groups": 3}, 403},
		"a boolean as a group":       {config.Access{Groups: []string{"3", "true"}}, map[string]any{"groups": true}, 403},
		"name of a claim in letters": {config.Access{Claims: map[string][]string{"hd": {"x"}}}, map[string]any{"HD": "x"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.Access = tc.access
			env := newOIDC(t, c, nil, withClaims(tc.claims))
			b := env.browser()
			got := b.finishLogin(env.fake, b.beginLogin("/"))
			if got.StatusCode != tc.code || (b.session() != "") != (tc.code == 302) {
				t.Fatalf("%d, session %v, want %d\n%s", got.StatusCode, b.session() != "", tc.code, got.body)
			}
			if tc.code == 302 {
				wantApp(t, b.get("/"))
			}
		})
	}
}

// The log tells the administrator which rule has denied a user.
func TestRefusalNamesTheRule(t *testing.T) {
	t.Parallel()
	domain := config.Access{Domains: []string{"example.com"}}
	for name, tc := range map[string]struct {
		access config.Access
		claims map[string]any
		says   string
	}{
		"not verified":  {domain, map[string]any{"email_verified": nil}, "the provider does not say that the e-mail address is verified"},
		"no e-mail":     {domain, map[string]any{"email": nil}, "the provider sends no e-mail address"},
		"not listed":    {domain, map[string]any{"email": "x@example.org"}, "the e-mail address is not allowed"},
		"not ASCII":     {domain, map[string]any{"email": "\u0430nn@example.com"}, "the e-mail address is not ASCII, so it has to be listed itself"},
		"group":         {config.Access{Groups: []string{"a"}}, nil, "none of the values wanted is in the claim groups"},
		"claim":         {config.Access{Claims: map[string][]string{"hd": {"x"}}}, nil, "none of the values wanted is in the claim hd"},
		"emptied claim": {config.Access{Claims: map[string][]string{}}, nil, "the list of claims is empty, so nobody may log in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.Access = tc.access
			env := newOIDC(t, c, nil, withClaims(tc.claims))
			b := env.browser()
			if got := b.finishLogin(env.fake, b.beginLogin("/")); got.StatusCode != http.StatusForbidden || strings.Contains(got.body, tc.says) {
				t.Errorf("%d\n%s", got.StatusCode, got.body)
			}
			if log := env.logs.String(); !strings.Contains(log, `reason="access rules: `+tc.says+`"`) {
				t.Errorf("the log does not say so:\n%s", log)
			}
		})
	}
}

// The page for a user who is denied names the account and lets them log out of it.
func TestDeniedPage(t *testing.T) {
	t.Parallel()
	c := oidcTwo()
	c.Access.Emails = []string{"bob@example.com"}
	env := newOIDC(t, c, nil)
	b := env.browser()
	got := b.finishLogin(env.other, b.get("/_auth/login/second", asPage).location())
	wantCode(t, got, http.StatusForbidden)
	for _, want := range []string{"no access", "ann@example.com", `href="/logout"`} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is missing in\n%s", want, got.body)
		}
	}
	if n := strings.Count(env.logs.String(), `msg="login refused"`); n != 1 || !strings.Contains(env.logs.String(), "user=ann@example.com") {
		t.Errorf("log:\n%s", env.logs)
	}
	out := b.get("/logout", asPage)
	if to := must(out.Location()); to.Host != "other.example.com" || to.Path != "/end" || to.Query().Get("post_logout_redirect_uri") != env.url+"/status" {
		t.Errorf("leaves to %s", to)
	}
	if again := b.get("/logout", asPage); again.location() != "/status" {
		t.Errorf("leaves again to %s", again.location())
	}
	set(env.other, func() { env.other.Claims = map[string]any{"email": "ann&<b>@example.com", "sub": "<i>"} })
	if got := b.finishLogin(env.other, b.get("/_auth/login/second", asPage).location()); strings.Contains(got.body, "<b>") {
		t.Errorf("unsafe: %s", got.body)
	}
	set(env.other, func() { env.other.Claims = map[string]any{"email": nil, "sub": "<i>x"} })
	if got := b.finishLogin(env.other, b.get("/_auth/login/second", asPage).location()); !strings.Contains(got.body, "&lt;i&gt;x") {
		t.Errorf("nameless: %s", got.body)
	}
}

// Security class 9: who is taken off the list is out at once, open WebSockets included; others go on.
func TestClass9ExcludedByReload(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Access.Domains = []string{"example.com"}
	c.Access.Groups = []string{"staff"}
	env := newOIDC(t, c, nil, withClaims(map[string]any{"groups": []string{"staff", "other"}}))
	ann, bob := env.browser(), env.browser()
	env.logIn(ann)
	set(env.fake, func() { env.fake.Claims["email"], env.fake.Claims["sub"] = "bob@example.com", "bob" })
	env.logIn(bob)
	annWS, bobWS := env.open(ann), env.open(bob)
	env.reload(func(c *config.Config) { c.Access.Emails, c.Access.Domains = []string{"bob@example.com"}, nil })
	wantCode(t, ann.get("/"), http.StatusUnauthorized)
	wantClosed(t, annWS)
	wantApp(t, bob.get("/"))
	wantEcho(t, bobWS)
	if s := ann.get("/status"); s.body != "logged out" {
		t.Errorf("status %q", s.body)
	}
	if page := ann.get("/", asPage); page.StatusCode != http.StatusFound { // a new login may have changed things
		t.Errorf("page: %d", page.StatusCode)
	}
	env.reload(func(c *config.Config) { c.Access.Groups = []string{"other"} }) // bob is in both
	wantApp(t, bob.get("/"))
	env.reload(func(c *config.Config) { c.Access = config.Access{Emails: []string{}} })
	wantCode(t, bob.get("/"), http.StatusUnauthorized)
	wantClosed(t, bobWS)
}

// Only what rules ask for is kept of a person.
func TestOnlyNamedClaimsAreKept(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Access.Groups = []string{"staff"}
	store := &spyStore{Store: session.NewMemory(0)}
	env := newOIDC(t, c, nil, withStore(store), withClaims(map[string]any{"groups": []string{"staff"}, "salary": "a lot", "sid": "s1"}))
	env.logIn(env.browser())
	l := store.last().Grants[0].Login
	if len(l.Claims) != 1 || !slices.Equal(l.Claims["groups"], []string{"staff"}) || l.Email != "ann@example.com" || !l.EmailVerified {
		t.Errorf("kept %+v", l)
	}
	if tags := store.last().Tags; len(tags) != 3 || slices.ContainsFunc(tags, func(s string) bool { return strings.Contains(s, "salary") }) {
		t.Errorf("tags %q", tags)
	}
}

// open opens a WebSocket with the browser's session.
func (env *oidcEnvironment) open(b *browser, header ...string) io.ReadWriter {
	env.t.Helper()
	ws, err := env.handshake(append(header, "Cookie: ploomber_session="+b.session())...)
	if err != nil {
		env.t.Fatal(err)
	}
	wantEcho(env.t, ws)
	return ws
}

func wantEcho(t *testing.T, ws io.ReadWriter) {
	t.Helper()
	if _, err := io.WriteString(ws, "x"); err != nil {
		t.Errorf("the WebSocket is closed: %v", err)
		return
	}
	if _, err := io.ReadFull(ws, make([]byte, 1)); err != nil {
		t.Errorf("the WebSocket is closed: %v", err)
	}
}

// wantClosed waits for the end of a WebSocket.
func wantClosed(t *testing.T, ws io.ReadWriter) {
	t.Helper()
	if n, err := ws.Read(make([]byte, 1)); n != 0 || !hasEnded(err) {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
}
