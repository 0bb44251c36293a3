-- +goose Up
-- Each commit writes whole pages, and each index of a row is a page more. A session's cookie makes its UUID now, so that one tree holds
-- what three did; who signed in and who did not stand in an index each; what has expired is looked for every few minutes.
CREATE TABLE sessions_new (
	uuid            TEXT NOT NULL PRIMARY KEY,
	key_hash        TEXT, -- of a cookie that was given before this step and does not make the UUID
	"user"          INTEGER REFERENCES users (pk) ON DELETE CASCADE,
	original        INTEGER REFERENCES users (pk) ON DELETE CASCADE,
	created         INTEGER NOT NULL,
	last_used       INTEGER NOT NULL,
	expires         INTEGER NOT NULL,
	last_ip         TEXT NOT NULL,
	last_user_agent TEXT NOT NULL,
	data            TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO sessions_new (uuid, key_hash, "user", original, created, last_used, expires, last_ip, last_user_agent, data)
	SELECT uuid, key_hash, "user", original, created, last_used, expires, last_ip, last_user_agent, data FROM sessions;
DROP TABLE sessions;
ALTER TABLE sessions_new RENAME TO sessions;
CREATE UNIQUE INDEX sessions_key ON sessions (key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX sessions_user ON sessions ("user", expires) WHERE "user" IS NOT NULL;
CREATE INDEX sessions_original ON sessions (original) WHERE original IS NOT NULL;
CREATE INDEX sessions_anonymous ON sessions (last_ip, created) WHERE "user" IS NULL;
-- Who is in the middle of a flow begins it anew: the plan and its history are one sealed value now.
DROP TABLE plans;
CREATE TABLE plans (
	session TEXT NOT NULL PRIMARY KEY REFERENCES sessions (uuid) ON DELETE CASCADE,
	flow    TEXT NOT NULL,
	body    BLOB NOT NULL,
	updated INTEGER NOT NULL
) WITHOUT ROWID;
DROP INDEX reputation_expires;
