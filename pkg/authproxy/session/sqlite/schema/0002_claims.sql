-- Which process renews the tokens of a session at the moment: a refresh token is good once.
CREATE TABLE claims (
	key   BLOB    NOT NULL PRIMARY KEY, -- of the session
	by    BLOB    NOT NULL,             -- the process
	until INTEGER NOT NULL              -- when another may try
) WITHOUT ROWID;
