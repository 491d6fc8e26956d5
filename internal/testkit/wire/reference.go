package wire

import "regexp"

// What the reference tool does otherwise in every case, so that its results need no words in each: it knows
// one exit status for every failure and calls a failed deployment a success; keeps credentials in clear in the
// configuration, and in files that all can read; ships an empty .env; makes the archive in the project; caches
// the whole archive of the examples. Where it departs further, a case says so (Step.Departs).

// asReference changes what is wanted of our program into what the reference tool does.
func asReference(want Outcome, seen *Seen) Outcome {
	switch want.Exit {
	case 3, 5:
		want.Exit = 1
	case 4:
		want.Exit = 0
	}
	secrets, _ := envValues(seen.Project[".env"].Text, nil).(map[string]any)
	project := make([]Content, len(want.Project))
	for i, f := range want.Project {
		project[i] = Content{f.Path, resolved(f.Value, secrets)}
	}
	want.Project = project
	if readme := ".ploomber/doc-repo/ploomber-doc-1a2b3c4/README.md"; len(want.Home) > 0 {
		if f, ok := seen.Home[readme]; ok {
			want.Home = append(want.Home[:len(want.Home):len(want.Home)], Content{readme, f.Text})
		}
	}
	return want
}

// resolved replaces every {secret: NAME} by that value of .env.
func resolved(v any, secrets map[string]any) any {
	o, ok := v.(Object)
	if !ok {
		return v
	}
	if name, ok := o.Values["secret"].(string); ok && len(o.Keys) == 1 {
		return secrets[name]
	}
	values := map[string]any{}
	for k, x := range o.Values {
		values[k] = resolved(x, secrets)
	}
	return Object{o.Keys, values}
}

func referenceEntry(name string) bool { return name == ".env" }

func referenceWorkFile(name string) bool {
	return name == "copy_.env" || regexp.MustCompile(`^app-[0-9a-f]{8}\.zip$`).MatchString(name)
}

// ReferenceHook is Python code, to be found as sitecustomize.py, that leads the reference tool to the scripted
// server, which it knows no setting for, and shortens its waiting.
const ReferenceHook = `import os, time
from urllib.parse import urlsplit, urlunsplit
import requests

server = urlsplit(os.environ.get("PLOOMBER_CLOUD_API_URL", ""))
send, sleep = requests.Session.send, time.sleep


def redirected(self, request, **options):
    url = urlsplit(request.url)
    request.url = urlunsplit((server.scheme, server.netloc, url.path, url.query, ""))
    return send(self, request, **options)


requests.Session.send = redirected
time.sleep = lambda seconds: sleep(min(seconds, 0.05))
`
