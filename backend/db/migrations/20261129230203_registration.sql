-- +goose Up
-- Whether applications may register themselves (RFC 7591), and the hash of the initial access token that they need; one row.
CREATE TABLE oauth_registration (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	enabled INTEGER NOT NULL,
	hash    TEXT NOT NULL,
	made    INTEGER NOT NULL
);
