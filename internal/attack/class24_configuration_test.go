package attack

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// Security class 24: a configuration that protects less than it seems to is refused at the start, by name.
func TestClass24ConfigurationDowngrade(t *testing.T) {
	t.Parallel()
	const app = "http://127.0.0.1:1"
	oidc := func(changes ...string) []string {
		env := []string{"AUTH_CLIENT_ID=" + oidctest.ClientID, "AUTH_CLIENT_SECRET=" + clientSecret, "AUTH_ISSUER_BASE_URL=https://tenant.example.com", "AUTH_SECRET=" + authSecret, "AUTH_BASE_URL=https://app.example.com"}
		for _, change := range changes {
			name, value, set := strings.Cut(change, "=")
			env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
			if set {
				env = append(env, name+"="+value)
			}
		}
		return env
	}
	for name, tc := range map[string]struct {
		env   []string
		flags []string
		named string
		code  int // failure.Failed unless another
	}{
		"nothing protects":                {nil, nil, "--public", 0},
		"other people's variables":        {[]string{"username_other=x", "password_other=y"}, nil, "--public", 0},
		"user without password":           {[]string{"username_main_app=ann"}, nil, "password_main_app", 0},
		"password without user":           {[]string{"password_main_app=" + pass}, nil, "username_main_app", 0},
		"empty password":                  {[]string{"username_main_app=ann", "password_main_app="}, nil, "password_main_app", 0},
		"empty user":                      {[]string{"username_main_app=", "password_main_app=" + pass}, nil, "username_main_app", 0},
		"half of a second feature":        {password("username_api=bot"), nil, "password_api", 0},
		"control in the user":             {[]string{"username_main_app=a\nb", "password_main_app=" + pass}, nil, "username_main_app", 0},
		"feature in one word":             {[]string{"username_mainapp=ann", "password_mainapp=" + pass, "username_api=bot", "password_api=" + pass}, nil, "username_main_app", 0},
		"password in capitals":            {[]string{"USERNAME_MAIN_APP=ann", "PASSWORD_MAIN_APP=" + pass, "username_api=bot", "password_api=" + pass, "DB_PASSWORD=x"}, []string{"--public"}, "did you mean password_main_app", 0},
		"feature with a dash":             {[]string{"username_main-app=ann", "password_main-app=" + pass, "username_api=bot", "password_api=" + pass}, nil, "username_main_app", 0},
		"shorter words":                   {[]string{"user_main_app=ann", "pass_main_app=" + pass, "username_api=bot", "password_api=" + pass}, nil, "password_main_app", 0},
		"password and provider":           {append(oidc(), password()...), nil, "AUTH_CLIENT_ID", 0},
		"no AUTH_SECRET":                  {oidc("AUTH_SECRET"), nil, "AUTH_SECRET", 0},
		"empty AUTH_SECRET":               {oidc("AUTH_SECRET="), nil, "AUTH_SECRET", 0},
		"word as AUTH_SECRET":             {oidc("AUTH_SECRET=passwordpasswordpasswordpassword1"), nil, "AUTH_SECRET", 0},
		"AUTH_SECRET used twice":          {oidc("AUTH_SECRET="+authSecret, "AUTH_CLIENT_SECRET="+authSecret), nil, "AUTH_CLIENT_SECRET", 0},
		"public, our own":                 {password("AUTH_PUBLIC_PATHS=/_auth/"), nil, "AUTH_PUBLIC_PATHS", 0},
		"public callback":                 {oidc("AUTH_PUBLIC_PATHS=/callback"), nil, "AUTH_PUBLIC_PATHS", 0},
		"trusted, matches nobody":         {password("AUTH_TRUSTED_PROXIES=::ffff:0:0/96"), nil, "AUTH_TRUSTED_PROXIES", 0},
		"short AUTH_SECRET":               {oidc("AUTH_SECRET=canary-2x"), nil, "AUTH_SECRET", 0},
		"repeated AUTH_SECRET":            {oidc("AUTH_SECRET=" + strings.Repeat("ab", 32)), nil, "AUTH_SECRET", 0},
		"zero AUTH_SECRET":                {oidc("AUTH_SECRET=" + strings.Repeat("0", 64)), nil, "AUTH_SECRET", 0},
		"counted AUTH_SECRET":             {oidc("AUTH_SECRET=" + strings.Repeat("12345678", 8)), nil, "AUTH_SECRET", 0},
		"AUTH_SECRET from a guide":        {oidc("AUTH_SECRET=a long, randomly-generated string stored in env"), nil, "AUTH_SECRET", 0},
		"AUTH_SECRET a placeholder":       {oidc("AUTH_SECRET=your-secret-here-your-secret-here-2"), nil, "AUTH_SECRET", 0},
		"AUTH_SECRET to change":           {oidc("AUTH_SECRET=change_me_change_me_change_me_change_me"), nil, "AUTH_SECRET", 0},
		"second secret is short":          {oidc("AUTH_SECRET=" + authSecret + ",short"), nil, "AUTH_SECRET", 0},
		"no client secret":                {oidc("AUTH_CLIENT_SECRET"), nil, "AUTH_CLIENT_SECRET", 0},
		"no client id":                    {oidc("AUTH_CLIENT_ID"), nil, "AUTH_CLIENT_ID", 0},
		"no issuer":                       {oidc("AUTH_ISSUER_BASE_URL"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer without https":            {oidc("AUTH_ISSUER_BASE_URL=http://tenant.example.com"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer like loopback":            {oidc("AUTH_ISSUER_BASE_URL=http://127.0.0.1.evil.example"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer, other loopback":          {oidc("AUTH_ISSUER_BASE_URL=http://localhost.evil.example"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer all interfaces":           {oidc("AUTH_ISSUER_BASE_URL=http://0.0.0.0"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer in a private net":         {oidc("AUTH_ISSUER_BASE_URL=http://10.0.0.1"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer with a password":          {oidc("AUTH_ISSUER_BASE_URL=https://canary:canary@tenant.example.com"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer a file":                   {oidc("AUTH_ISSUER_BASE_URL=file:///etc/passwd"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"issuer nonsense":                 {oidc("AUTH_ISSUER_BASE_URL=https://%zz"), nil, "AUTH_ISSUER_BASE_URL", 0},
		"base URL with an ambiguous path": {oidc("AUTH_BASE_URL=https://app.example.com/a/../b"), nil, "AUTH_BASE_URL", 0},
		"base URL without scheme":         {oidc("AUTH_BASE_URL=app.example.com"), nil, "AUTH_BASE_URL", 0},
		"base URL by script":              {oidc("AUTH_BASE_URL=javascript:alert(1)"), nil, "AUTH_BASE_URL", 0},
		"logout by script":                {oidc("AUTH_POST_LOGOUT_REDIRECT=javascript:alert(1)"), nil, "AUTH_POST_LOGOUT_REDIRECT", 0},
		"logout elsewhere":                {oidc("AUTH_POST_LOGOUT_REDIRECT=//evil.example"), nil, "AUTH_POST_LOGOUT_REDIRECT", 0},
		"misspelt":                        {oidc("AUTH_ALLOWD_EMAILS=a@b.example"), nil, "AUTH_ALLOWED_EMAILS", 0},
		"misspelt, other case":            {oidc("auth_allowed_emails=a@b.example"), nil, "AUTH_ALLOWED_EMAILS", 0},
		"unknown":                         {oidc("AUTH_DISABLED=true"), nil, "AUTH_DISABLED", 0},
		"unknown with a password":         {password("AUTH_NO=1"), nil, "AUTH_NO", 0},
		"rules without provider":          {password("AUTH_ALLOWED_EMAILS=a@b.example"), nil, "AUTH_ALLOWED_EMAILS", 0},
		"audience without provider":       {password("AUTH_BEARER_AUDIENCE=x"), nil, "AUTH_BEARER_AUDIENCE", 0},
		"e-mail that is invalid":          {oidc("AUTH_ALLOWED_EMAILS=example.com"), nil, "AUTH_ALLOWED_EMAILS", 0},
		"domain that is invalid":          {oidc("AUTH_ALLOWED_DOMAINS=*"), nil, "AUTH_ALLOWED_DOMAINS", 0},
		"domain with @":                   {oidc("AUTH_ALLOWED_DOMAINS=a@example.com"), nil, "AUTH_ALLOWED_DOMAINS", 0},
		"claim without value":             {oidc("AUTH_ALLOWED_CLAIMS=admin"), nil, "AUTH_ALLOWED_CLAIMS", 0},
		"mode":                            {password("AUTH_PASSWORD_MODE=none"), nil, "AUTH_PASSWORD_MODE", 0},
		"everything public":               {password("AUTH_PUBLIC_PATHS=/"), nil, "AUTH_PUBLIC_PATHS", 0},
		"public by pattern":               {password("AUTH_PUBLIC_PATHS=/static/*"), nil, "AUTH_PUBLIC_PATHS", 0},
		"public, not normal":              {password("AUTH_PUBLIC_PATHS=/a/../b"), nil, "AUTH_PUBLIC_PATHS", 0},
		"public, escaped":                 {password("AUTH_PUBLIC_PATHS=/%61"), nil, "AUTH_PUBLIC_PATHS", 0},
		"api everywhere":                  {password("AUTH_API_PATH=/"), nil, "AUTH_API_PATH", 0},
		"everybody is trusted":            {password("AUTH_TRUSTED_PROXIES=0.0.0.0/0"), nil, "AUTH_TRUSTED_PROXIES", 0},
		"everybody, of version 6":         {password("AUTH_TRUSTED_PROXIES=::/0"), nil, "AUTH_TRUSTED_PROXIES", 0},
		"trusted by name":                 {password("AUTH_TRUSTED_PROXIES=lb.example"), nil, "AUTH_TRUSTED_PROXIES", 0},
		"sessions without end":            {password("AUTH_SESSION_LIFETIME=0"), nil, "AUTH_SESSION_LIFETIME", 0},
		"sessions that end before":        {password("AUTH_SESSION_IDLE=-5m"), nil, "AUTH_SESSION_IDLE", 0},
		"providers without theirs":        {oidc("AUTH_PROVIDERS=google"), nil, "AUTH_GOOGLE_", 0},
		"provider with odd name":          {oidc("AUTH_PROVIDERS=../x"), nil, "AUTH_PROVIDERS", 0},
		"no upstream":                     {password(), []string{"--upstream", ""}, "--upstream", failure.Usage},
		"upstream a path":                 {password(), []string{"--upstream", "/app"}, "--upstream", failure.Usage},
		"upstream a file":                 {password(), []string{"--upstream", "file:///etc/passwd"}, "--upstream", failure.Usage},
		"upstream with a path":            {password(), []string{"--upstream", app + "/x"}, "--upstream", failure.Usage},
		"upstream with a query":           {password(), []string{"--upstream", app + "?x"}, "--upstream", failure.Usage},
		"upstream with a password":        {password(), []string{"--upstream", "http://canary:canary@127.0.0.1:1"}, "--upstream", failure.Usage},
		"upstream port 0":                 {password(), []string{"--upstream", "http://127.0.0.1:0"}, "--upstream", failure.Usage},
		"upstream port too large":         {password(), []string{"--upstream", "http://127.0.0.1:70000"}, "--upstream", failure.Usage},
		"upstream with lines":             {password(), []string{"--upstream", "http://127.0.0.1:1\r\nX: y"}, "--upstream", failure.Usage},
		"upstream is the proxy":           {password(), []string{"--listen", "127.0.0.1:8431", "--upstream", "http://127.0.0.1:8431"}, "--upstream", failure.Usage},
		"the proxy by name":               {password(), []string{"--listen", "127.0.0.1:8431", "--upstream", "http://localhost:8431"}, "--upstream", failure.Usage},
		"the proxy, everywhere":           {password(), []string{"--listen", ":8431", "--upstream", "http://127.0.0.2:8431"}, "--upstream", failure.Usage},
		"the proxy, zeros":                {password(), []string{"--listen", "127.0.0.1:8431", "--upstream", "http://0.0.0.0:8431"}, "--upstream", failure.Usage},
		"the proxy, version 6":            {password(), []string{"--listen", ":8431", "--upstream", "http://[::1]:8431"}, "--upstream", failure.Usage},
		"the proxy, mapped":               {password(), []string{"--listen", "127.0.0.1:8431", "--upstream", "http://[::ffff:127.0.0.1]:8431"}, "--upstream", failure.Usage},
		"the private listener":            {password(), []string{"--listen", "127.0.0.1:8431", "--private-listen", "127.0.0.1:8432", "--upstream", "http://127.0.0.1:8432"}, "--upstream", failure.Usage},
		"the default port":                {password(), []string{"--listen", ":80", "--upstream", "http://127.0.0.1"}, "--upstream", failure.Usage},
		"listeners are equal":             {password(), []string{"--listen", "127.0.0.1:8431", "--private-listen", "127.0.0.1:8431"}, "--private-listen", failure.Usage},
		"one listener has the both":       {password(), []string{"--listen", ":8431", "--private-listen", "127.0.0.1:8431"}, "--private-listen", failure.Usage},
		"listeners by name":               {password(), []string{"--listen", "localhost:8431", "--private-listen", "127.0.0.1:8431"}, "--private-listen", failure.Usage},
		"listen nowhere":                  {password(), []string{"--listen", "nowhere"}, "--listen", failure.Usage},
		"certificate without key":         {password(), []string{"--tls-cert", "x.pem"}, "--tls-key", failure.Usage},
		"certificate is not there":        {password(), []string{"--tls-cert", "x.pem", "--tls-key", "y.pem"}, "--tls-cert", failure.Usage},
		"store that is invalid":           {password(), []string{"--session-store", "redis:x"}, "--session-store", failure.Usage},
		"env file is not there":           {password(), []string{"--env-file", "nothing.env"}, "--env-file", failure.Usage},
		"feature without login":           {password(), []string{"--feature", "api"}, "--feature", failure.Usage},
		"unknown variable of flags":       {password("PLOOMBER_PROXY_UPSTREEM=x"), nil, "PLOOMBER_PROXY_UPSTREAM", 0},
		"public by mistake":               {password("PLOOMBER_PROXY_PUBLIC=perhaps"), nil, "PLOOMBER_PROXY_PUBLIC", 0},
		"unknown flag":                    {password(), []string{"--insecure"}, "--insecure", failure.Usage},
		"an argument":                     {password(), []string{"x"}, "proxy", failure.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := tc.flags
			if !slices.Contains(flags, "--upstream") {
				flags = append([]string{"--upstream", app}, flags...)
			}
			if !slices.Contains(flags, "--listen") {
				flags = append(flags, "--listen", "127.0.0.1:0")
			}
			want := tc.code
			if want == 0 {
				want = failure.Failed
			}
			code, said := refusedStart(t, tc.env, flags...)
			if code != want || !strings.Contains(said, tc.named) {
				t.Errorf("exit %d, want %d and %s named:\n%s", code, want, tc.named, said)
			}
		})
	}
}

// An empty list of people lets nobody in: not everybody.
func TestClass24ConfigurationDowngradeEmptyList(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"AUTH_ALLOWED_EMAILS", "AUTH_ALLOWED_DOMAINS", "AUTH_ALLOWED_GROUPS", "AUTH_ALLOWED_CLAIMS"} {
		for _, value := range []string{"", " ", ",", " , ,"} {
			t.Run(variable+"="+value, func(t *testing.T) {
				t.Parallel()
				a, idp := newApp(t), newProvider(t)
				idp.Claims = map[string]any{"groups": []string{"", ","}}
				env := append(idp.environ(""), "AUTH_SECRET="+authSecret, "AUTH_BASE_URL=http://127.0.0.1:1", variable+"="+value)
				cmd, said := command(t, env, "--upstream", a.url, "--listen", "127.0.0.1:0", "--check")
				if err := cmd.Run(); err != nil {
					if !strings.Contains(said.String(), variable) { // refused is as good, if it says why
						t.Errorf("%v\n%s", err, said)
					}
					return
				}
				p := startWith(t, a.url, idp, []string{variable + "=" + value})
				b, before := p.browser(), p.refusals()
				wantRefusedLogin(t, "anybody", b, b.through(idp, "/"), before)
			})
		}
	}
}

// What the environment says counts, not what a file beside it says; and a file that cannot be read stops the start.
func TestClass24ConfigurationDowngradeFiles(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	other := write("other.env", "username_main_app=mallory\npassword_main_app=\"canary of mallory\"\nAUTH_PUBLIC_PATHS=/open/\n")
	p := start(t, a.url, password(), "--env-file", other)
	wantStatus(t, "the file's credential", p.bare().get("/", asBasic("mallory", "canary of mallory")), 401)
	wantApp(t, "the environment's", p.bare().get("/", asBasic(user, pass)))
	for name, config := range map[string]string{
		"reference that leads nowhere": `{"id": "x-y-1", "type": "docker", "authentication": {"username": {"secret": "username_main_app"}, "password": {"secret": "nowhere"}}}`,
		"not JSON":                     `{"authentication": `,
		"unknown key":                  `{"id": "x-y-1", "type": "docker", "authentification": {}}`,
	} {
		path := write("config.json", config)
		if code, said := refusedStart(t, nil, "--upstream", a.url, "--listen", "127.0.0.1:0", "--config", path); code == 0 {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// An app that does not answer yet is not a mistake: users who have logged in are told, and it is found when it comes.
func TestClass24ConfigurationAppStarting(t *testing.T) {
	t.Parallel()
	for range 5 { // until nobody else takes the app's address meanwhile
		address := freeport.Address(t)
		p := start(t, "http://"+address, password())
		b := p.loggedIn()
		r := b.get("/", asPage)
		wantStatus(t, "the app is not there", r, 503)
		if !strings.Contains(r.body, "starting") || r.Header.Get("Retry-After") == "" {
			t.Errorf("%v\n%s", r.Header, r.body)
		}
		wantStatus(t, "a stranger learns nothing", p.bare().get("/"), 401)
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		serveApp(t, l)
		wantApp(t, "it is there", b.get("/"))
		return
	}
	t.Error("no address stays free")
}
