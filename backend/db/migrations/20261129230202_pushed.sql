-- +goose Up
-- Authorization requests that clients pushed (RFC 9126). seen is 1 once a browser brought the request_uri.
CREATE TABLE oauth_pushed (
	pk       INTEGER PRIMARY KEY AUTOINCREMENT,
	hash     TEXT NOT NULL UNIQUE,
	provider INTEGER NOT NULL,
	request  TEXT NOT NULL,
	expires  INTEGER NOT NULL,
	seen     INTEGER NOT NULL
);
CREATE INDEX oauth_pushed_expires ON oauth_pushed (expires);
-- DPoP proofs that were used (RFC 9449 section 11.1), until they would be too old anyway.
CREATE TABLE oauth_proofs (
	hash    TEXT NOT NULL PRIMARY KEY,
	expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX oauth_proofs_expires ON oauth_proofs (expires);
