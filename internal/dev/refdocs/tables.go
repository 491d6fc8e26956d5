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
		{failure.Done, "done", "The command did what it was asked to do. Leaving a menu with `exit` counts too."},
		{
			failure.Failed, "failed",
			"The command failed: a file is missing or malformed, the platform refused the request or cannot be reached, a question " +
				"was answered with no, or the piped answers ended too early. As in the Python tool, also `auth` without exactly one " +
				"of `--add` and `--remove`, and an unknown template.",
		},
		{
			failure.Usage, "wrong usage",
			"The command line is wrong: an unknown command or flag, a missing argument, an invalid value, or a prompt that no " +
				"flag answers when nobody can be asked.",
		},
		{
			failure.NotAllowed, "not allowed",
			"There is no API key, the platform rejects it (HTTP 401 or 403), or the account's tier does not include the feature.",
		},
		{failure.Deployment, "the deployment failed", "A deployment that was being watched (`watch`, `deploy --watch`) failed."},
		{
			failure.TimedOut, "timed out",
			"The time limit set with `--timeout` ran out. What was started on the platform continues there.",
		},
		{failure.Interrupted, "interrupted", "Ctrl-C, or SIGTERM from another process. `proxy` exits with 0 after SIGTERM, which is the normal way to stop it."},
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
	b.WriteString("\nA failure is one message on standard error, with a hint if there is a next step. With `--json`, it is an object:\n\n" +
		"```json\n{\"error\": {\"code\": 3, \"message\": \"API key not found\", \"hint\": \"the operator of the host that you deploy to gives you one; store it with 'ploomber-cloud key'\"}}\n```\n\n" +
		"See also: [all commands](README.md)\n")
	return b.Bytes()
}

// variable is an environment variable, or a name in .env, that the program reads.
type variable struct{ name, meaning string }

// processVariables are read from the environment of the process.
func processVariables() []variable {
	return []variable{
		{"PLOOMBER_CLOUD_KEY", "The API key. It takes precedence over the stored one, even if it is empty."},
		{"PLOOMBER_CLOUD_API_URL", "The URL of the platform, like `--api-url`; https, or http for this machine. Without it commands go where `login` said, else to a platform that you run on this machine."},
		{"_PLOOMBER_CLOUD_ENV", "The platform: `prod` (the default), `dev`, or `local` for `http://localhost:8000`, like `--local`."},
		{"PLOOMBER_ENTRY", "The file that `up` or a platform starts, like `up --entry`; usually set in `.env`."},
		{"PLOOMBER_CLOUD_POLL_INTERVAL", "Seconds between two status requests while watching a deployment. Default: 15."},
		{"PLOOMBER_CLOUD_EXAMPLES_URL", "The URL of the archive that contains the examples."},
		{"PLOOMBER_CLOUD_WORKFLOW_URL", "The URL of the GitHub workflow template."},
		{"PLOOMBER_CLOUD_HF_URL", "The host on which `templates vllm` looks up models."},
		{"PLOOMBER_CLOUD_CACHE", "The cache folder, which holds the Python environments of `up` and downloads."},
		{"PLOOMBER_CLOUD_RUN", "Set by `up` in an app's processes to identify them. Do not set it yourself."},
		{"PLOOMBER_PROXY_", "The prefix of the variables for the flags of `proxy`: `PLOOMBER_PROXY_LISTEN` for `--listen`."},
		{"PLOOMBER_PLATFORM_", "The prefix of the variables for the flags of `platform serve`: `PLOOMBER_PLATFORM_SLEEP_AFTER` for `--sleep-after`."},
		{"PLOOMBER_DATA_DIR", "Set by a platform in an app's processes: the folder of the project that is kept, whatever is deployed."},
		{"PLOOMBER_HOME_DIR", "The API key is stored in the subfolder `stats` of this folder. Default: `~/.ploomber`."},
		{"XDG_CACHE_HOME", "The parent of the cache folder if `PLOOMBER_CLOUD_CACHE` is not set."},
		{"HOME", "The user's home folder; on Windows `USERPROFILE`."},
		{"SHELL", "The user's shell, for `completion install`; `XDG_DATA_HOME`, `XDG_CONFIG_HOME` and `ZDOTDIR` say where its files are."},
		{"HTTPS_PROXY", "The proxy for https URLs; `HTTP_PROXY` and `NO_PROXY` work as usual. Lower case works too."},
		{"SSL_CERT_FILE", "A PEM file, or a folder of them, with more certificate authorities to trust, like `--ca-cert`."},
		{"SSL_CERT_DIR", "Folders of such files, separated like `PATH`; missing ones are skipped."},
		{"REQUESTS_CA_BUNDLE", "The same as `SSL_CERT_FILE`, under the name that Python programs use."},
		{"CURL_CA_BUNDLE", "The same, if `REQUESTS_CA_BUNDLE` is not set."},
		{"CI", "Set on build servers: turns off prompts. `GITHUB_ACTIONS` does the same."},
		{"GITHUB_REPOSITORY", "Set by GitHub Actions. The repository of the Python tool's own tests does not count as a build server."},
		{"NO_COLOR", "Turns off colors. `--color always` takes precedence."},
		{"CLICOLOR_FORCE", "Unless 0, turns on colors even if the output is not a terminal. `FORCE_COLOR` does the same."},
		{"TERM", "`dumb` turns off colors and makes every prompt a single line."},
		{"DISPLAY", "On Linux, says that there is a browser to open, as do `WAYLAND_DISPLAY` and `WSL_DISTRO_NAME`."},
	}
}

// projectVariables are read from the project's .env and, where they are not there, from the environment.
func projectVariables() []variable {
	all := []variable{
		{"PLOOMBER_ENTRY", "The file that `up` or a platform starts, if it is not the one that would be found."},
		{"username_main_app", "The user name for the whole app; the password is in `password_main_app`."},
		{"username_analytics", "The same for the analytics page, with `password_analytics`."},
		{"username_api", "The same for the paths below `/api`, with `password_api`. Only this program's proxy supports it."},
	}
	for _, v := range config.Variables() {
		meaning := v.Meaning
		if v.Default != "" {
			meaning += " Default: `" + v.Default + "`."
		}
		if v.ProxyOnly {
			meaning += " Only this program's proxy supports it."
		}
		all = append(all, variable{v.Name, meaning})
	}
	return all
}

func environmentPage() []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Environment variables\n\n" +
		"```sh\nPLOOMBER_CLOUD_KEY=… ploomber-cloud deploy            # on a build server\n" +
		"_PLOOMBER_CLOUD_ENV=local ploomber-cloud deploy       # to the platform on this machine\n```\n\n" +
		"## For the program\n\n")
	variableTable(&b, processVariables())
	b.WriteString("## For a project's login\n\n" +
		"Put these into the project's `.env`. It takes precedence over the environment, except for `proxy`, where the environment\n" +
		"does. A misspelled `AUTH_` name is an error, because it could leave an app open that was meant to be protected.\n\n")
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
