-- +goose Up
-- Which account at a source belongs to whom. kind is the model of the connection.
CREATE TABLE source_connections (
	pk           INTEGER PRIMARY KEY AUTOINCREMENT,
	kind         TEXT NOT NULL,
	"user"       INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	source       TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	identifier   TEXT NOT NULL,
	access_token TEXT NOT NULL DEFAULT '',
	plex_token   TEXT NOT NULL DEFAULT '',
	created      INTEGER NOT NULL,
	UNIQUE ("user", source)
);
CREATE UNIQUE INDEX source_connections_identifier ON source_connections (source, identifier);
-- What a SCIM client called the people and groups that it sent. id is the external id while no other source uses it.
CREATE TABLE scim_users (
	id          TEXT NOT NULL PRIMARY KEY,
	external_id TEXT NOT NULL,
	"user"      INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	source      TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	attributes  TEXT NOT NULL,
	UNIQUE (source, external_id),
	UNIQUE ("user", source)
);
CREATE TABLE scim_groups (
	id          TEXT NOT NULL PRIMARY KEY,
	external_id TEXT NOT NULL,
	"group"     TEXT NOT NULL REFERENCES usergroups (pk) ON DELETE CASCADE,
	source      TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	attributes  TEXT NOT NULL,
	UNIQUE (source, external_id),
	UNIQUE ("group", source)
);
-- Connections to other machines, under way or about to begin.
CREATE TABLE rac_connections (
	pk       TEXT NOT NULL PRIMARY KEY,
	provider INTEGER NOT NULL,
	endpoint TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	owner    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	session  TEXT NOT NULL REFERENCES sessions (uuid) ON DELETE CASCADE,
	key_hash TEXT NOT NULL UNIQUE,
	settings TEXT NOT NULL,
	expires  INTEGER NOT NULL
);
CREATE INDEX rac_connections_endpoint ON rac_connections (endpoint);
CREATE INDEX rac_connections_owner ON rac_connections (owner);
CREATE INDEX rac_connections_session ON rac_connections (session);
CREATE INDEX rac_connections_expires ON rac_connections (expires);
CREATE INDEX rac_connections_provider ON rac_connections (provider);
