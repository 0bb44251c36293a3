-- +goose Up
-- Objects of configuration: one table for every kind; its values that must be unique and its references beside it.
CREATE TABLE object (
	pk      TEXT NOT NULL PRIMARY KEY,
	family  TEXT NOT NULL,
	kind    TEXT NOT NULL,
	name    TEXT,
	slug    TEXT,
	managed TEXT,
	body    TEXT NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL
);
CREATE INDEX object_kind ON object (kind, name);
CREATE INDEX object_family ON object (family, name);
CREATE TABLE object_unique (
	family TEXT NOT NULL,
	field  TEXT NOT NULL,
	value  TEXT NOT NULL,
	pk     TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	PRIMARY KEY (family, field, value)
);
CREATE INDEX object_unique_pk ON object_unique (pk);
CREATE TABLE ref (
	src    TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	field  TEXT NOT NULL,
	family TEXT NOT NULL,
	dst    TEXT NOT NULL,
	PRIMARY KEY (src, field, dst)
);
CREATE INDEX ref_dst ON ref (dst);
CREATE TABLE sequence (
	name TEXT NOT NULL PRIMARY KEY,
	n    INTEGER NOT NULL
);
-- Facts about the installation: install id, the office's name, what the wizard did.
CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);
