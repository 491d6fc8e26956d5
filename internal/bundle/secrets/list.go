package secrets

import "strings"

// longestListed is the length of the longest name that listed knows, in bytes.
const longestListed = len("application_default_credentials.json")

// listed is the list of names, in lower case. anyPrefix tells that the name is so particular that what stands before
// it does not matter.
func listed(name string) (detail string, anyPrefix bool) {
	switch name {
	case ".netrc", "_netrc", ".authinfo", ".pypirc", ".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", ".git-credentials",
		".dockercfg", ".dockerconfigjson", ".databrickscfg", ".vault-token", ".boto", ".s3cfg", ".passwd-s3fs", ".smbcredentials",
		".rclone.conf", "rclone.conf", ".terraformrc", ".cdsapirc", ".renviron", ".credentials", ".modal.toml", ".comet.config",
		"application_default_credentials.json", "client_secret.json", "client_secrets.json", "kubeconfig", "accesskeys.csv":
		return credentials, true
	case "credentials.json", "kaggle.json", "rootkey.csv", "master.key", "cwallet.sso":
		return credentials, false
	case "client_secret": // Google puts the client's id behind it
		return credentials, false
	case ".secret", ".secrets", ".streamlit_secrets":
		return "secrets", false
	case ".bash_history", ".zsh_history", ".zhistory", ".sh_history", ".histfile", ".lesshst", ".viminfo", ".python_history", ".rhistory",
		".octave_hist", ".psql_history", ".mysql_history", ".sqlite_history", ".duckdb_history", ".node_repl_history", ".rediscli_history",
		".mongo_history", ".dbshell", "bash_history", "zsh_history", "fish_history", "python_history", "psql_history", "mysql_history",
		"sqlite_history", "node_repl_history":
		return history, strings.HasPrefix(name, ".")
	case ".flaskenv", ".envrc", ".envs":
		return envFile, true
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk", "id_xmss":
		return privateKeys, false
	}
	return "", false
}

// spare tells which of the listed names no app reads.
func spare(name, detail string) bool {
	return detail == history || name == ".envrc" || name == ".git-credentials" || name == ".pypirc"
}

// longestExtension is the length of the longest extension that extension knows, in bytes.
const longestExtension = len(".kubeconfig")

// extension is the list of types of files that hold secrets.
func extension(ext string) (detail string) {
	switch ext {
	case ".htpasswd":
		return "password file"
	case ".p12", ".pfx", ".jks", ".jceks", ".keystore", ".ppk", ".kdbx", ".keytab":
		return privateKeys
	case ".tfstate", ".tfvars", ".kubeconfig":
		return credentials
	}
	return ""
}

// isSampleWord finds what people call files that are written to be shared, in place of those with the secrets.
func isSampleWord(word string) bool {
	switch word {
	case "example", "examples", "sample", "samples", "template", "templates", "tmpl", "tpl", "dist", "default", "defaults",
		"schema", "skeleton", "dummy", "placeholder", "j2", "jinja", "jinja2", "erb", "mustache", "baseline":
		return true
	}
	return false
}

// isOtherType finds extensions of code, documents and pictures, which may be about a secret file but are none.
func isOtherType(ext string) bool {
	switch ext {
	case ".py", ".pyi", ".pyc", ".ipynb", ".r", ".rmd", ".qmd", ".jl", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".tsx", ".go", ".rs",
		".java", ".kt", ".scala", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".rb", ".php", ".pl", ".lua", ".swift", ".sql", ".vue",
		".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".md", ".rst", ".adoc", ".tex", ".html", ".htm", ".css", ".scss", ".pdf", ".docx",
		".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico":
		return true
	}
	return false
}

// isLeftoverWord finds what editors, merges, package managers, synchronisation and people add to a copy's name.
func isLeftoverWord(word string) bool {
	switch word {
	case "bak", "bk", "bkp", "bkup", "bck", "back", "backup", "backups", "old", "older", "orig", "original", "rej", "save", "saved", "sav", "tmp", "temp",
		"copy", "cp", "copied", "duplicate", "dup", "clone", "prev", "previous", "last", "new", "newer", "lock", "lck", "lk", "part", "partial",
		"mine", "yours", "theirs", "ours", "base", "local", "remote", "merge", "merged", "patch", "patched", "diff", "conflict", "conflicted",
		"sync", "un", "undo", "tree", "v", "kate", "autosave", "recovered", "recovery", "disabled", "off", "unused", "archive", "archived",
		"dpkg", "rpmsave", "rpmnew", "rpmorig", "ucf", "pacnew", "pacsave", "pacorig", "cfg0000", "jb", "crdownload", "filepart",
		"of", "another",
		"kopie", "von", "copie", "de", "copia", "di", "da", "do", "cópia", "kopia", "kopi", "kopio", "af", "av", "van",
		"副本", "拷贝", "复制", "コピー", "복사본", "копия":
		return true
	}
	return false
}
