-- +goose Up
-- What the FIDO Alliance says about makes of authenticators: the entries of the metadata blob that was taken in last.
CREATE TABLE webauthn_metadata (
	aaguid TEXT NOT NULL PRIMARY KEY,
	entry  TEXT NOT NULL
);
-- The blob itself; one row.
CREATE TABLE webauthn_blob (
	one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	number  INTEGER NOT NULL,
	renewal TEXT NOT NULL,
	taken   INTEGER NOT NULL,
	entries INTEGER NOT NULL,
	skipped INTEGER NOT NULL
);
