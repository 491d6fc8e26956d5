-- Times are microseconds since the Unix epoch. Lists and structures are JSON.
CREATE TABLE users (
	id       TEXT    PRIMARY KEY,
	name     TEXT    NOT NULL UNIQUE,
	tier     TEXT    NOT NULL,
	key_hash BLOB    NOT NULL UNIQUE, -- SHA-256 of the API key
	created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
	id          TEXT    PRIMARY KEY,
	owner       TEXT    NOT NULL REFERENCES users (id),
	type        TEXT    NOT NULL,
	created     INTEGER NOT NULL,
	labels      TEXT    NOT NULL DEFAULT '[]',
	sleep_after INTEGER NOT NULL DEFAULT 0, -- microseconds; 0 for the platform's default, -1 for never
	current     TEXT,                       -- deployment that users get
	stopped     INTEGER NOT NULL DEFAULT 0,
	deployments INTEGER NOT NULL DEFAULT 0, -- number of the newest one, so that no number is used twice
	FOREIGN KEY (id, current) REFERENCES deployments (project, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE INDEX projects_owner ON projects (owner, created);

-- One row for each version of a project. Everything before state never changes.
CREATE TABLE deployments (
	id        TEXT    PRIMARY KEY,
	project   TEXT    NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	number    INTEGER NOT NULL,
	created   INTEGER NOT NULL,
	request   TEXT,             -- of the client, so that a repeated one is recognized
	type      TEXT    NOT NULL,
	author    TEXT    NOT NULL, -- name of the user
	message   TEXT    NOT NULL,
	archive   TEXT    NOT NULL, -- digest
	size      INTEGER NOT NULL, -- bytes of the archive
	cpu       REAL    NOT NULL,
	ram       INTEGER NOT NULL, -- GB
	gpu       INTEGER NOT NULL,
	template  TEXT    NOT NULL,
	variables TEXT    NOT NULL, -- names, in the order of the secrets
	login     INTEGER NOT NULL,
	analytics INTEGER NOT NULL,
	repeats   INTEGER NOT NULL, -- number of the deployment that a rollback repeats; 0 for none
	state     TEXT    NOT NULL,
	changed   INTEGER NOT NULL,
	lock      TEXT    NOT NULL, -- digest of the resolved requirements; '' before they are installed
	problem   TEXT              -- why it failed or was stopped
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX deployments_number ON deployments (project, number);
CREATE UNIQUE INDEX deployments_project ON deployments (project, id);
CREATE UNIQUE INDEX deployments_request ON deployments (project, request) WHERE request IS NOT NULL;

-- Encrypted with AES-256-GCM and bound to the ID of the deployment.
CREATE TABLE secrets (
	deployment TEXT PRIMARY KEY REFERENCES deployments (id) ON DELETE CASCADE,
	key        TEXT NOT NULL, -- fingerprint of the key that it is encrypted with
	sealed     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_key ON secrets (key);

-- Fingerprint of the key that encrypts new secrets. One row.
CREATE TABLE current_key (
	one         INTEGER PRIMARY KEY CHECK (one = 1),
	fingerprint TEXT    NOT NULL
) STRICT;
