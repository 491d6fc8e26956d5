-- Earlier versions sealed sessions in a form that is not read any more.
DELETE FROM sessions;

-- Who renews the tokens of a session at the moment, and when another may try: a refresh token is good once.
ALTER TABLE sessions ADD COLUMN claimed_by BLOB;
ALTER TABLE sessions ADD COLUMN claimed_until INTEGER;
DROP TABLE claims;

-- Keys that sessions had before a rotation. They are good for as long as the sealed part of the session says.
CREATE TABLE former_keys (
	key     BLOB    NOT NULL PRIMARY KEY,
	session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX former_keys_session ON former_keys (session);

-- What the processes that share this file have to agree on.
CREATE TABLE settings (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;
