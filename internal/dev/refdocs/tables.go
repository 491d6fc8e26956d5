package main

import (
	"bytes"
	"fmt"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
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
			"The command line is wrong: an unknown command or flag, a missing argument, a value that is not one of the choices, " +
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
		"```json\n{\"error\": {\"code\": 3, \"message\": \"API key not found\", \"hint\": \"the operator of the host that you deploy to gives you one; store it with 'ploomber-cloud key'\"}}\n```\n\n" +
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
		{"CLICOLOR_FORCE", "Set and not 0: colours also where the output is not a terminal. `FORCE_COLOR` does the same."},
		{"TERM", "`dumb`: no colours, and questions of one line each."},
		{"DISPLAY", "Linux: there is a browser to open; `WAYLAND_DISPLAY` and `WSL_DISTRO_NAME` likewise."},
	}
}

// projectVariables are read from the project's .env and, where they are not there, from the environment.
func projectVariables() []variable {
	all := []variable{
		{"PLOOMBER_ENTRY", "The file that `up` starts, as `--entry`, where it is not found by itself or another one is meant."},
		{"username_main_app", "The user name in front of the app; `password_main_app` is its password."},
		{"username_analytics", "The same for the analytics; `password_analytics` is its password."},
		{"username_api", "The same for the paths below `/api`; `password_api` is its password. Our own proxy alone knows it."},
	}
	for _, v := range config.Variables() {
		meaning := v.Meaning
		if v.Default != "" {
			meaning += " Default: `" + v.Default + "`."
		}
		if v.ProxyOnly {
			meaning += " Only this program's proxy knows it."
		}
		all = append(all, variable{v.Name, meaning})
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
