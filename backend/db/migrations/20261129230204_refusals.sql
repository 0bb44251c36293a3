-- +goose Up
-- Why sign-ins at applications failed: one row a cause, however often it came. provider is 0 for a client that there is not.
CREATE TABLE oauth_refusals (
	pk       INTEGER PRIMARY KEY AUTOINCREMENT,
	provider INTEGER NOT NULL,
	place    TEXT NOT NULL,
	cause    TEXT NOT NULL,
	came     TEXT NOT NULL,
	expected TEXT NOT NULL,
	says     TEXT NOT NULL,
	username TEXT NOT NULL,
	ip       TEXT NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	n        INTEGER NOT NULL,
	UNIQUE (provider, place, cause, came)
);
CREATE INDEX oauth_refusals_last ON oauth_refusals (last);
