package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/testkit/fakecloud"
)

// shortest is the length of a value that is looked for: shorter ones turn up by chance.
const shortest = 6

// signs are the beginnings of a canary, plain and in base64 at each of the three places in a group.
func signs() []string { return []string{Canary, "Q0FOQVJZX", "NBTkFSWV", "DQU5BUllf"} }

// isPublic tells keys of a .env file whose values are addresses that users are shown.
func isPublic(key string) bool {
	return strings.HasSuffix(key, "_URL") || strings.HasPrefix(key, "username_") || key == "AUTH_POST_LOGOUT_REDIRECT"
}

// wrongOutput finds, in the log of a script, what no command may print: a secret, the trace of a crash, a
// mistake in a format. The one exception is a command that was asked to reveal secrets.
func wrongOutput(log string, secrets []string) (wrong []string) {
	command, output := "", false
	for line := range strings.SplitSeq(log, "\n") {
		switch {
		case strings.HasPrefix(line, "> "):
			command, output = line, false
			continue
		case line == "[stdout]", line == "[stderr]":
			output = true
			continue
		}
		if !output {
			continue
		}
		for _, sign := range []string{"panic: ", "goroutine 1 [", "runtime error", "%!"} {
			if strings.Contains(line, sign) {
				wrong = append(wrong, fmt.Sprintf("after %q the output has %q: %s", command, sign, line))
			}
		}
		if strings.Contains(command, "--reveal") {
			continue
		}
		for _, secret := range append(signs(), secrets...) {
			if strings.Contains(line, secret) {
				wrong = append(wrong, fmt.Sprintf("after %q the output has the secret %s", command, secret))
			}
		}
	}
	return wrong
}

// secrets are the values of the project's .env files, as the script left them.
func (s *state) secrets() (values []string) {
	now, _ := contents(s.work) // a file that cannot be read was looked at by the script
	for path, text := range now {
		if filepath.Base(path) != ".env" {
			continue
		}
		env, err := dotenv.Parse([]byte(text))
		if err != nil {
			continue
		}
		for _, p := range env.Values(nil) {
			if len(p.Value) >= shortest && !isPublic(p.Key) && !strings.HasPrefix(p.Value, Canary) {
				values = append(values, p.Value)
			}
		}
	}
	return values
}

// inspect finds what is wrong with the files and requests of a script: a secret where it does not belong, a
// temporary file.
func (s *state) inspect(secrets []string) (wrong []string) {
	now, _ := contents(s.work) // as above
	for path, text := range now {
		rel, _ := filepath.Rel(s.work, path)
		if strings.HasSuffix(path, ".tmp") || strings.HasPrefix(rel, ".tmp"+string(os.PathSeparator)) {
			wrong = append(wrong, "left behind: "+rel)
		}
		before, was := s.first[path]
		if was && before == text || mayHoldSecrets(rel) || !strings.ContainsRune(rel, os.PathSeparator) {
			continue // those at the top are the script's own
		}
		if secret := holds(text, secrets); secret != "" {
			wrong = append(wrong, fmt.Sprintf("%s holds the secret %s", rel, secret))
		}
	}
	for _, d := range s.cloud.Deployments() {
		for name, text := range d.Files {
			if secret := holds(name+text, secrets); secret != "" {
				wrong = append(wrong, fmt.Sprintf("the archive of %s has the secret %s in %s", d.Project, secret, name))
			}
		}
	}
	for _, r := range s.cloud.Seen() {
		if secret := holds(r.String(), secrets); secret != "" {
			wrong = append(wrong, fmt.Sprintf("the address of a request has the secret %s: %s", secret, r))
		}
		if r.Elsewhere && hasKey(r) {
			wrong = append(wrong, "another host got the API key: "+r.String())
		}
	}
	return wrong
}

// mayHoldSecrets tells the files that are made for them.
func mayHoldSecrets(rel string) bool {
	switch filepath.Base(rel) {
	case ".env":
		return true
	case "config.yaml", "hosts.yaml", "owner.key":
		return strings.HasPrefix(filepath.ToSlash(rel), "home/")
	}
	return false
}

func holds(text string, secrets []string) string {
	for _, secret := range append(signs(), secrets...) {
		if strings.Contains(text, secret) {
			return secret
		}
	}
	return ""
}

func hasKey(r fakecloud.Request) bool {
	for _, values := range r.Header {
		for _, v := range values {
			if strings.Contains(v, Key) {
				return true
			}
		}
	}
	return false
}
