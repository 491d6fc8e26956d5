package secrets_test

import (
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle/secrets"
)

// listed are names of secret files, each of which stands for its copies too.
var listed = []string{
	".env", ".env.local", ".env.production", ".env-prod", "sub/.env", "prod.env", "config/production.env", "password.env", ".flaskenv", ".envrc",
	".streamlit/secrets.toml", "app/.streamlit/secrets.toml", ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".my.cnf", ".pypirc", ".git-credentials",
	".docker/config.json", ".kube/config", "kubeconfig", "kubeconfig.yaml", "prod-kubeconfig.yml", "prod.kubeconfig", ".databrickscfg", ".vault-token",
	".rclone.conf", "rclone.conf", "credentials.json", "application_default_credentials.json", "client_secret.json", "kaggle.json", ".boto", ".s3cfg",
	"terraform.tfstate", "errored.tfstate", "terraform.tfvars", ".snowflake/connections.toml", ".dbt/profiles.yml", ".Renviron", ".credentials",
	"id_rsa", "id_ed25519", "keys/id_ecdsa", "server.p12", "server.pfx", "store.jks", "android.keystore", "k.ppk", "team.kdbx", "http.keytab",
	".htpasswd", "nginx/app.htpasswd", ".bash_history", ".zsh_history", ".python_history", ".Rhistory", ".psql_history", ".mysql_history",
	".sqlite_history", ".node_repl_history", ".terraform.d/credentials.tfrc.json", ".cdsapirc", ".secrets.toml", ".huggingface/token", "default.env", "test.env", ".mlflow/credentials", ".modal.toml",
}

// copies are what programs and people make of a name: % is the name, # the name without its extension, $ the extension.
var copies = map[string]string{
	"itself": "%", "vim swap": ".%.swp", "vim swap of a hidden file": "%.swp", "older vim swap": ".%.swo", "third": ".%.swn", "much older": ".%.svz",
	"vim undo": ".%.un~", "vim backup": "%~", "numbered": "%.~1~", "more numbers": "%.~12~", "emacs autosave": "#%#", "emacs lock": ".#%",
	"emacs undo": ".%.~undo-tree~", "nano": "%.save", "nano again": "%.save.1", "patch": "%.orig", "rejected": "%.rej", "bak": "%.bak", "BAK": "%.BAK",
	"bak with a number": "%.bak2", "old": "%.old", "minus old": "%-old", "underscore": "%_old", "backup": "%.backup", "tmp": "%.tmp", "rcs": "%,v",
	"jetbrains": "%___jb_tmp___", "jetbrains old": "%___jb_old___", "git base": "%.BASE", "git local": "%.LOCAL.1234", "git remote": "%.REMOTE.1234",
	"svn": "%.mine", "svn revision": "%.r123", "dpkg": "%.dpkg-old", "dpkg dist": "%.dpkg-new", "rpm": "%.rpmsave", "pacman": "%.pacsave",
	"date": "%.2026-05-01", "date in one": "%-20260501", "date and time": "%.20260501T101112", "dated bak": "%.bak.20260501", "number": "%.1",
	"finder": "# copy$", "finder again": "# copy 2$", "explorer": "# - Copy$", "explorer again": "# - Copy (2)$", "old explorer": "Copy of %",
	"download": "# (1)$", "no space": "#(1)$", "nautilus": "# (copy)$", "nautilus again": "# (another copy)$", "german": "# - Kopie$",
	"dropbox": "# (Ana's conflicted copy 2026-05-01)$", "syncthing": "#.sync-conflict-20260501-101112-ABCDEFG$", "before the extension": "#.bak$",
	"dated before the extension": "#_2026-05-01$", "in front": "old_%", "in front with a dot": "backup.%", "copy_": "copy_%", "old-": "old-%",
	"merge tool": "#_BASE_1234$", "merge tool local": "#.LOCAL$", "temporary": ".%.tmp", "rsync": ".%.Ab3dEf", "kate": ".%.kate-swp", "twice": "%.bak~", "thrice": "#%.bak.old#",
	"twice in another order": ".#%.orig.1", "zip": "%.zip", "text": "%.txt", "upper case": "^", "lock": "%.lock", "plus": "%+", "space": "% ",
}

func TestCopiesOfSecretFiles(t *testing.T) {
	t.Parallel()
	for _, whole := range listed {
		folder, file := "", whole
		if at := strings.LastIndexByte(whole, '/'); at >= 0 {
			folder, file = whole[:at+1], whole[at+1:]
		}
		stem, ext := file, ""
		if at := strings.LastIndexByte(file, '.'); at > 0 {
			stem, ext = file[:at], file[at:]
		}
		for name, pattern := range copies {
			copied := strings.NewReplacer("%", file, "^", strings.ToUpper(file)).Replace(pattern)
			if strings.Contains(pattern, "$") { // else # is Emacs's
				copied = strings.NewReplacer("#", stem, "$", ext).Replace(pattern)
			}
			if f, ok := secrets.File(folder + copied); !ok || f.Detail == "" {
				t.Errorf("%s: %q of %q is not found", name, folder+copied, whole)
			}
		}
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]secrets.Finding{
		".env":                            {Detail: "environment file"},
		"config/production.env":           {Detail: "environment file"},
		".env~":                           {Detail: "environment file", Spare: true},
		"env.bak/.env2":                   {Detail: "environment file"},
		".streamlit/secrets.toml":         {Detail: "Streamlit secrets"},
		".streamlit/secrets.toml~":        {Detail: "Streamlit secrets", Spare: true},
		".streamlit-prod/secrets.toml":    {Detail: "Streamlit secrets"},
		"Copy of .streamlit/secrets.toml": {Detail: "Streamlit secrets"},
		".streamlit.bak/secrets.toml":     {Detail: "Streamlit secrets"},
		".streamlit/prod.secrets.toml":    {Detail: "Streamlit secrets"},
		".streamlit/secrets.prod.toml":    {Detail: "Streamlit secrets"},
		"credentials.json":                {Detail: "credentials"},
		"old/credentials2.json":           {Detail: "credentials", Spare: true},
		"client_secret_12-ab.apps.googleusercontent.com.json": {Detail: "credentials"},
		"netrc.bak":                              {Detail: "credentials", Spare: true},
		"my.netrc":                               {Detail: "credentials"},
		"terraform.tfstate.backup":               {Detail: "credentials", Spare: true},
		"terraform.tfstate.1700000000.backup":    {Detail: "credentials", Spare: true},
		".bash_history-01234.tmp":                {Detail: "history of commands", Spare: true},
		"id_rsa_work":                            {Detail: "private key"},
		"id_rsa.bak":                             {Detail: "private key", Spare: true},
		"backup/%home%ana%app%.env":              {Detail: "environment file", Spare: true},
		"!home!ana!app!.streamlit!secrets.toml~": {Detail: "Streamlit secrets", Spare: true},
		"%home%ana%.streamlit%secrets.toml.swp":  {Detail: "Streamlit secrets", Spare: true},
	} {
		if got, ok := secrets.File(name); !ok || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, ok, want)
		}
	}
}

// TestOtherFiles has names close to those of secret files.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		".env.example", "sub/.env.sample", ".env.template", ".env-example", ".env_example", ".env.local.example", ".env.dist", ".env.defaults", ".env.default",
		".env.schema", ".env.example.txt", ".env.tpl", ".env.example~", ".env.example.bak", "#.env.example#", ".env.example.swp", "example.env", "sample.env", "prod.env.example", "prod.example.env", "template.env.txt",
		".envoy.yaml", "envoy.yaml", "env.py", "src/env.d.ts", "environment.yml", "conda.env.yml", "prod.env.js", "env.yaml", "environment.prod.ts", "environments.json", "myenv.toml",
		"secrets.py", "test_secrets.py", "secrets.toml", "secrets.md", ".streamlit/config.toml", ".streamlit/credentials.toml", ".streamlit/secrets.toml.example", ".streamlit/secrets.example.toml",
		".streamlit/secrets_template.toml", ".streamlit/example.secrets.toml", ".streamlit/secrets.toml.template", ".streamlit/secrets.toml.sample.bak", ".streamlit/secrets.md", ".streamlit/style.css",
		"credentials.py", "test_credentials.py", "credentials.md", "credentials_schema.json", "credentials.example.json", "credentials.json.example", "credentials.json.md", "docs/credentials.html", "user_credentials.py",
		"example.credentials.json", "client_secret.example.json", "kubeconfig.py", "kubeconfig.md", "kubeconfig.example.yaml", "kube.py", "kaggle.py", "kaggle_scores.json", "kaggle-datasets.json", "netrc.py", "test_netrc.py",
		"id_rsa.pub", "id_rsa.pub.bak", "id_rsa.pub~", "id_ed25519.pub", "id_rsa.md", "ids.csv", "id_map.json", "valid_rsa.csv", "public.p12.md", "terraform.tfvars.example", "terraform.tf", "main.tf",
		"history.csv", "price_history.parquet", "history.py", "order_history.json", "htpasswd.py", "app.htpasswd.md", "profiles.yml", "dbt/profiles.yml", "config.json", "docker/config.json", "app.docker/config.json", "huggingface/token_counts.csv", ".dockerignore", ".gitignore",
		".secretlintrc.json", ".secrets.baseline", "token", "tokenizer.json", "keystore.py", "backup.zip", "old.csv", "copy.txt", "data (1).csv", "data.bak", "app.py~", "#app.py#", ".app.py.swp",
		"100%.csv", "50%off%.txt", "!!!.md", "~", "#", "...", ".", " ", "(1)", ".swp", "ploomber-cloud.json", "Dockerfile", "requirements.txt", "secretary.csv", "environmental.csv", "genv.csv", "new.json", "a.pem", "x.key",
	} {
		if f, ok := secrets.File(name); ok {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		".ssh": true, "a/.ssh": true, ".SSH": true, ".aws": true, ".aws.bak": true, ".ssh-old": true, "Copy of .aws": true, ".gnupg": true, ".azure": true, ".oci": true, ".config/gcloud": true, ".env": true,
		".envs": true, ".env.d": true, ".rsconnect-python": true, ".secrets": true, ".ipython": true,
		"gcloud": false, "aws": false, "ssh": false, ".streamlit": false, "env": false, "venv": false, ".venv": false, ".config": false, ".envoy": false, ".kube": false, ".docker": false, ".env.example": false,
	} {
		if _, got := secrets.Folder(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
