-- +goose Up
-- Messages of a SAML source that were accepted: each counts once, also after a start anew. A row stays until its message would be too old.
CREATE TABLE saml_source_seen (
	source  TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	id      TEXT NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (source, id)
);
CREATE INDEX saml_source_seen_expires ON saml_source_seen (expires);
-- By which name the other side of a SAML source knows a session, so that each side can end it at the other.
CREATE TABLE saml_source_logins (
	session       TEXT NOT NULL REFERENCES sessions (uuid) ON DELETE CASCADE,
	source        TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	name          TEXT NOT NULL,
	format        TEXT NOT NULL,
	qualifiers    TEXT NOT NULL,
	session_index TEXT NOT NULL,
	PRIMARY KEY (session, source)
);
CREATE INDEX saml_source_logins_name ON saml_source_logins (source, name);
