-- Times are microseconds since the Unix epoch, durations microseconds. What tells about people is sealed.
CREATE TABLE sessions (
	id      INTEGER PRIMARY KEY,
	key     BLOB    NOT NULL UNIQUE, -- digest of what the browser has
	used    INTEGER NOT NULL,        -- last use; may be behind by a minute or a tenth of idle
	idle    INTEGER NOT NULL,        -- as in the sealed part, which decides; these three are for cleaning up
	expires INTEGER NOT NULL,
	ends    INTEGER NOT NULL AS (min(used + idle, expires)),
	sealed  BLOB    NOT NULL         -- the session: nonce, AES-256-GCM, bound to key
);
CREATE INDEX sessions_ends ON sessions (ends);

-- What sessions have in common, as HMAC-SHA256.
CREATE TABLE tags (
	tag     BLOB    NOT NULL,
	session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	PRIMARY KEY (tag, session)
) WITHOUT ROWID;
CREATE INDEX tags_session ON tags (session);

-- Sessions that ended before their time, or changed, for the other processes that have them in memory. A number is
-- never used twice.
CREATE TABLE ended (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	key BLOB    NOT NULL,
	by  BLOB    NOT NULL, -- the process that knows it already
	at  INTEGER NOT NULL
);
