package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
)

type exit struct {
	code        int
	short, long string
}

func exits() []exit {
	return []exit{
		{failure.Done, "done", "What was asked for was done. Leaving a menu with `exit` counts as that too."},
		{
			failure.Failed, "failed",
			"It could not be done: a file is missing or wrong, the platform refused or could not be reached, a question " +
				"was answered with no, input ended before every question was answered. As with the Python tool, also `auth` " +
				"without just one of `--add` and `--remove`, and a template that there is not.",
		},
		{
			failure.Usage, "wrong usage",
			"The command line is wrong: an unknown command or flag, a missing argument, a value that is none of the choices, " +
				"or a question that no flag answers where nobody can be asked.",
		},
		{
			failure.NotAllowed, "not allowed",
			"There is no API key, the platform refuses it (HTTP 401 or 403), or the user's tier does not have the feature.",
		},
		{failure.Deployment, "the deployment failed", "A deployment that was followed (`watch`, `deploy --watch`) ended as failed."},
		{
			failure.TimedOut, "timed out",
			"The time limit of `--timeout` ran out. What was started on the platform goes on there.",
		},
		{failure.Interrupted, "interrupted", "Ctrl-C, or SIGTERM from another process; `proxy` ends with 0 after SIGTERM, which is how it is meant to end."},
	}
}

func exitCodesPage() []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Exit statuses\n\n" +
		"```sh\nploomber-cloud deploy --watch || case $? in\n" +
		"  3) echo \"the key or the tier\" ;;\n  4) echo \"the app does not build or start\" ;;\n" +
		"  5) echo \"it takes longer than usual\" ;;\nesac\n```\n\n" +
		"| status | | when |\n| --- | --- | --- |\n")
	for _, e := range exits() {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", e.code, e.short, e.long)
	}
	b.WriteString("\nA failure is one message on standard error, with a hint where there is a next step. With `--json` it is an object:\n\n" +
		"```json\n{\"error\": {\"code\": 3, \"message\": \"API key not found\", \"hint\": \"whoever runs the host that you deploy to gives you one; store it with 'ploomber-cloud key'\"}}\n```\n\n" +
		"See also: [all commands](README.md)\n")
	return b.Bytes()
}

// variable is an environment variable, or a name in .env, that the program reads.
type variable struct{ name, meaning string }

// processVariables are read from the environment of the process.
func processVariables() []variable {
	return []variable{
		{"PLOOMBER_CLOUD_KEY", "The API key. It wins over the stored one, also when it is set to nothing."},
		{"PLOOMBER_CLOUD_API_URL", "The address of the host that you deploy to, as `--api-url`; https, or http for this machine. The hosted service, which is the default, ended on 2025-10-31."},
		{"_PLOOMBER_CLOUD_ENV", "Which platform: `prod` (if not set), `dev`, or `local` for `http://localhost:8000`, as `--local`."},
		{"PLOOMBER_ENTRY", "File of the project that starts the app for `up`, as its `--entry`; mostly in `.env`."},
		{"PLOOMBER_CLOUD_POLL_INTERVAL", "Seconds between two looks at a deployment that is followed; 15 if not set."},
		{"PLOOMBER_CLOUD_EXAMPLES_URL", "The address of the archive with the examples."},
		{"PLOOMBER_CLOUD_WORKFLOW_URL", "The address of the GitHub workflow template."},
		{"PLOOMBER_CLOUD_HF_URL", "The host that knows the models of `templates vllm`."},
		{"PLOOMBER_CLOUD_CACHE", "The folder for what can be made again, such as the Python environments of `up`."},
		{"PLOOMBER_CLOUD_RUN", "Set for the processes of an app that runs here, to find them again. Not meant to be set by users."},
		{"PLOOMBER_PROXY_", "Begins the names of the variables that stand for the flags of `proxy`: `PLOOMBER_PROXY_LISTEN` for `--listen`."},
		{"PLOOMBER_HOME_DIR", "The folder in whose `stats` the API key is stored; `~/.ploomber` if not set."},
		{"XDG_CACHE_HOME", "The user's cache folder, where `PLOOMBER_CLOUD_CACHE` is not set."},
		{"HOME", "The user's home folder; on Windows `USERPROFILE`."},
		{"SHELL", "The user's shell, for `completion install`; `XDG_DATA_HOME`, `XDG_CONFIG_HOME` and `ZDOTDIR` tell where its files are."},
		{"HTTPS_PROXY", "The proxy for https addresses; `HTTP_PROXY` and `NO_PROXY` likewise. Lower case works too."},
		{"SSL_CERT_FILE", "A PEM file, or a folder of them, with certificate authorities that are trusted too, as `--ca-cert`."},
		{"SSL_CERT_DIR", "The same, several with the separator of `PATH`; what is not there is passed over."},
		{"REQUESTS_CA_BUNDLE", "The same as `SSL_CERT_FILE`, under the name that Python programs read."},
		{"CURL_CA_BUNDLE", "The same, where `REQUESTS_CA_BUNDLE` is not set."},
		{"CI", "Set on build servers: nobody is asked anything. `GITHUB_ACTIONS` does the same."},
		{"GITHUB_REPOSITORY", "Of a GitHub workflow; the repository of the reference tool's own tests does not count as a build server."},
		{"NO_COLOR", "Set: no colours. `--color always` wins over it."},
		{"CLICOLOR_FORCE", "Set and not 0: colours also where the output is no terminal. `FORCE_COLOR` does the same."},
		{"TERM", "`dumb`: no colours, and questions of one line each."},
		{"DISPLAY", "Linux: there is a browser to open; `WAYLAND_DISPLAY` and `WSL_DISTRO_NAME` likewise."},
	}
}

// projectVariables are read from the project's .env and, where they are not there, from the environment.
func projectVariables() []variable {
	return []variable{
		{"PLOOMBER_ENTRY", "The file that `up` starts, as `--entry`, where it is not found by itself or another one is meant."},
		{"username_main_app", "The user name in front of the app; `password_main_app` is its password."},
		{"username_analytics", "The same for the analytics; `password_analytics` is its password."},
		{"username_api", "The same for the paths below `/api`; `password_api` is its password. Our own proxy alone knows it."},
		{
			"AUTH_PROVIDERS", "Names of several OpenID providers to choose from, such as `google,entra`. Each has the variables that " +
				"follow, down to `AUTH_TENANTS`, with its name in them: `AUTH_GOOGLE_CLIENT_ID`, `AUTH_GOOGLE_PARAMS_SCOPE` and so on.",
		},
		{"AUTH_CLIENT_ID", "Client id of the app at the OpenID provider."},
		{"AUTH_CLIENT_SECRET", "Client secret of the app at the OpenID provider."},
		{"AUTH_ISSUER_BASE_URL", "Address of the OpenID provider, such as `https://example.auth0.com`."},
		{"AUTH_PARAMS_AUDIENCE", "Audience of the access token that the app gets; with it an expired one ends the session."},
		{"AUTH_PARAMS_SCOPE", "Scopes that are asked for at login; `openid profile email` if not set."},
		{
			"AUTH_PARAMS_PROMPT", "What the provider shows at each login, though it knows the user: `login`, `consent`, `select_account`, or several with " +
				"spaces between. Our own proxy alone knows it.",
		},
		{
			"AUTH_PARAMS_EXTRA", "Further parameters of the address at which people log in, as a query: `theme=dark&team=T1`. Common ones have a " +
				"variable of their own, `AUTH_PARAMS_ACR_VALUES` for `acr_values`: " + strings.Join(quoted(authproxy.Parameters()), ", ") +
				". Our own proxy alone knows them.",
		},
		{"AUTH_NAME_CLAIM", "The claim that becomes `X-Auth-Name`, such as `preferred_username`; the e-mail if not set. Our own proxy alone knows it."},
		{
			"AUTH_LOGOUT_URL", "Where the provider logs people out, if it does not announce that. In its query `{client_id}`, `{return_to}` and " +
				"`{id_token}` stand for what they say. Our own proxy alone knows it.",
		},
		{
			"AUTH_TENANTS", "Ids of the tenants of Entra ID whose accounts may log in, with commas between them, or `any`; needed with an issuer of " +
				"many tenants. Our own proxy alone knows it.",
		},
		{"AUTH_SECRET", "Protects sessions and what the login keeps in cookies; several with commas between them, the newest first."},
		{"AUTH_BASE_URL", "Public address of the app, where the proxy cannot know it; for `proxy` maybe with a path, below which everything is then."},
		{"AUTH_STRIP_BASE_PATH", "`true`: the app gets paths without that of `AUTH_BASE_URL`. Our own proxy alone knows it."},
		{"AUTH_POST_LOGOUT_REDIRECT", "Where the browser goes after logout."},
		{
			"AUTH_CLEAR_SITE_DATA", "What browsers forget of the app at logout: `cache` (if not set), `cookies`, `storage`, several with commas between " +
				"them, or `none`. Our own proxy alone knows it.",
		},
		{"AUTH_APP_NAME", "How the app is called on the pages of the login. Our own proxy alone knows it."},
		{"AUTH_HELP_TEXT", "What those pages say to people who cannot log in, as plain text. Our own proxy alone knows it."},
		{
			"AUTH_ALLOWED_EMAILS", "Addresses of those who may come in, with commas between them; set to nothing, nobody may. The provider " +
				"must have verified them.",
		},
		{"AUTH_ALLOWED_DOMAINS", "Domains whose addresses may come in, such as `example.com`; being in one of the two lists is enough."},
		{"AUTH_ALLOWED_GROUPS", "Groups of which one is needed as well."},
		{"AUTH_GROUPS_CLAIM", "The claim in which the provider names the groups, `groups` if not set. One inside of another is named with a dot: `realm_access.roles`."},
		{
			"AUTH_ALLOWED_CLAIMS", "Claims that are needed as well: `role=admin, role=dev, tenant=x` asks for one of the two roles and " +
				"for the tenant. Claims are texts, lists of texts, `true`, `false` or whole numbers.",
		},
		{"AUTH_BEARER_AUDIENCE", "Lets programs in with an access token of the provider that is for this audience."},
		{"AUTH_USERS_FILE", "File of more people with a password, `NAME:HASH` in each line, as `htpasswd -B` writes it. Our own proxy alone knows it."},
		{"AUTH_ANALYTICS_USERS_FILE", "The same for the analytics."},
		{"AUTH_API_USERS_FILE", "The same for the paths below `/api`."},
		{"AUTH_PASSWORD_MODE", "How the password is asked for: `form` (a page), `basic` (HTTP Basic), or `auto` (if not set): a page for browsers, else Basic."},
		{"AUTH_ANALYTICS_PATH", "Path of the analytics, `/analytics` if not set."},
		{"AUTH_API_PATH", "Path of the API, `/api` if not set."},
		{"AUTH_PUBLIC_PATHS", "Paths that need no login, with commas between them."},
		{"AUTH_TRUSTED_PROXIES", "Networks of proxies whose `X-Forwarded-*` headers are believed; none if not set."},
		{"AUTH_SESSION_IDLE", "How long a session lives without a request, such as `1h`; `24h` if not set."},
		{"AUTH_SESSION_LIFETIME", "How long a session lives at most, such as `24h`; `168h` if not set."},
	}
}

// quoted returns names as code.
func quoted(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = "`" + name + "`"
	}
	return all
}

func environmentPage() []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Environment variables\n\n" +
		"```sh\nPLOOMBER_CLOUD_KEY=… ploomber-cloud deploy            # on a build server\n" +
		"_PLOOMBER_CLOUD_ENV=local ploomber-cloud deploy         # to the platform on this machine\n```\n\n" +
		"## Of the program\n\n")
	variableTable(&b, processVariables())
	b.WriteString("## Of a project's login\n\n" +
		"These belong into the project's `.env`, which wins over the environment; for `proxy` the environment wins. A misspelt\n" +
		"`AUTH_` name is an error, because it could leave something open that was meant to be closed.\n\n")
	variableTable(&b, projectVariables())
	b.WriteString("See also: [all commands](README.md)\n")
	return b.Bytes()
}

func variableTable(b *bytes.Buffer, list []variable) {
	b.WriteString("| variable | meaning |\n| --- | --- |\n")
	for _, v := range list {
		fmt.Fprintf(b, "| `%s` | %s |\n", v.name, v.meaning)
	}
	b.WriteString("\n")
}
