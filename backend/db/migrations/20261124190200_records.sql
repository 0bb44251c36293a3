-- +goose Up
-- What people are told of events.
CREATE TABLE notifications (
	pk       TEXT NOT NULL PRIMARY KEY,
	severity TEXT NOT NULL,
	body     TEXT NOT NULL,
	created  INTEGER NOT NULL,
	event    TEXT REFERENCES events (pk) ON DELETE SET NULL,
	seen     INTEGER NOT NULL,
	"user"   INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE
);
CREATE INDEX notifications_user ON notifications ("user", created);
CREATE INDEX notifications_event ON notifications (event);
-- What the house does by itself now and then, and how it went the last time.
CREATE TABLE system_tasks (
	uuid             TEXT NOT NULL PRIMARY KEY,
	name             TEXT NOT NULL,
	uid              TEXT NOT NULL,
	description      TEXT NOT NULL,
	start_timestamp  INTEGER NOT NULL,
	finish_timestamp INTEGER NOT NULL,
	status           TEXT NOT NULL,
	messages         TEXT NOT NULL,
	expires          INTEGER,
	expiring         INTEGER NOT NULL,
	UNIQUE (name, uid)
);
CREATE INDEX system_tasks_expires ON system_tasks (expires);
-- Every permission that there is; the program fills it at its start. A number is never given twice.
CREATE TABLE permissions (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	name      TEXT NOT NULL,
	codename  TEXT NOT NULL,
	app_label TEXT NOT NULL,
	model     TEXT NOT NULL,
	UNIQUE (app_label, codename)
);
-- The one tenant, and the names under which it answers besides the configured one.
CREATE TABLE tenants (
	tenant_uuid TEXT NOT NULL PRIMARY KEY,
	schema_name TEXT NOT NULL UNIQUE,
	name        TEXT NOT NULL UNIQUE,
	ready       INTEGER NOT NULL
);
CREATE TABLE tenant_domains (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	domain     TEXT NOT NULL UNIQUE,
	is_primary INTEGER NOT NULL,
	tenant     TEXT NOT NULL REFERENCES tenants (tenant_uuid) ON DELETE CASCADE
);
CREATE INDEX tenant_domains_tenant ON tenant_domains (tenant);
