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
-- People.
CREATE TABLE users (
	pk                   INTEGER PRIMARY KEY AUTOINCREMENT,
	username             TEXT NOT NULL UNIQUE,
	name                 TEXT NOT NULL,
	is_active            INTEGER NOT NULL,
	last_login           INTEGER,
	email                TEXT NOT NULL,
	attributes           TEXT NOT NULL,
	path                 TEXT NOT NULL,
	type                 TEXT NOT NULL,
	uuid                 TEXT NOT NULL UNIQUE,
	password             TEXT NOT NULL,
	password_change_date INTEGER,
	date_joined          INTEGER NOT NULL
);
CREATE INDEX users_username_any_case ON users (lower(username));
CREATE INDEX users_email_any_case ON users (lower(email));
CREATE INDEX users_path ON users (path);
CREATE INDEX users_name ON users (name);
CREATE TABLE usergroups (
	pk           TEXT NOT NULL PRIMARY KEY,
	num_pk       INTEGER NOT NULL UNIQUE,
	name         TEXT NOT NULL,
	is_superuser INTEGER NOT NULL,
	parent       TEXT REFERENCES usergroups (pk) ON DELETE SET NULL,
	attributes   TEXT NOT NULL
);
CREATE UNIQUE INDEX usergroups_name ON usergroups (name, coalesce(parent, ''));
CREATE INDEX usergroups_parent ON usergroups (parent);
CREATE TABLE memberships (
	"user"  INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	"group" TEXT NOT NULL REFERENCES usergroups (pk) ON DELETE CASCADE,
	PRIMARY KEY ("user", "group")
);
CREATE INDEX memberships_group ON memberships ("group");
-- What somebody may do, by user or by a role that groups carry. An empty object means every object of the permission's model.
CREATE TABLE group_roles (
	"group" TEXT NOT NULL REFERENCES usergroups (pk) ON DELETE CASCADE,
	role    TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	PRIMARY KEY ("group", role)
);
CREATE INDEX group_roles_role ON group_roles (role);
CREATE TABLE permission_grants (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"     INTEGER REFERENCES users (pk) ON DELETE CASCADE,
	role       TEXT REFERENCES object (pk) ON DELETE CASCADE,
	permission TEXT NOT NULL,
	object     TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX permission_grants_once ON permission_grants (coalesce("user", 0), coalesce(role, ''), permission, object);
CREATE INDEX permission_grants_role ON permission_grants (role);
CREATE INDEX permission_grants_object ON permission_grants (object);
-- Who is at a browser. "user" is null until somebody signed in.
CREATE TABLE sessions (
	uuid            TEXT NOT NULL PRIMARY KEY,
	key_hash        TEXT NOT NULL UNIQUE,
	"user"          INTEGER REFERENCES users (pk) ON DELETE CASCADE,
	original        INTEGER REFERENCES users (pk) ON DELETE CASCADE,
	created         INTEGER NOT NULL,
	last_used       INTEGER NOT NULL,
	expires         INTEGER NOT NULL,
	last_ip         TEXT NOT NULL,
	last_user_agent TEXT NOT NULL,
	data            TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions ("user");
CREATE INDEX sessions_expires ON sessions (expires);
CREATE INDEX sessions_anonymous ON sessions (last_ip) WHERE "user" IS NULL;
-- A flow under way in a session, and the steps it went through for the inspector.
CREATE TABLE plans (
	session TEXT NOT NULL PRIMARY KEY REFERENCES sessions (uuid) ON DELETE CASCADE,
	flow    TEXT NOT NULL,
	body    TEXT NOT NULL,
	history TEXT NOT NULL,
	updated INTEGER NOT NULL
);
CREATE TABLE tokens (
	pk          TEXT NOT NULL PRIMARY KEY,
	managed     TEXT UNIQUE,
	identifier  TEXT NOT NULL UNIQUE,
	intent      TEXT NOT NULL,
	"user"      INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	description TEXT NOT NULL,
	expires     INTEGER,
	expiring    INTEGER NOT NULL,
	key         TEXT NOT NULL,
	key_hash    TEXT NOT NULL UNIQUE,
	flow        TEXT,
	plan        TEXT
);
CREATE INDEX tokens_user ON tokens ("user");
CREATE INDEX tokens_expires ON tokens (expires);
-- The audit log. The columns after brand are taken out of the JSON for filters.
CREATE TABLE events (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	pk             TEXT NOT NULL UNIQUE,
	"user"         TEXT NOT NULL,
	action         TEXT NOT NULL,
	app            TEXT NOT NULL,
	context        TEXT NOT NULL,
	client_ip      TEXT,
	created        INTEGER NOT NULL,
	expires        INTEGER NOT NULL,
	brand          TEXT NOT NULL,
	user_pk        INTEGER,
	model          TEXT,
	model_pk       TEXT,
	authorized_app TEXT
);
CREATE INDEX events_action ON events (action, created);
CREATE INDEX events_user ON events (user_pk);
CREATE INDEX events_model ON events (model_pk) WHERE model_pk IS NOT NULL;
CREATE INDEX events_app ON events (authorized_app) WHERE authorized_app IS NOT NULL;
CREATE INDEX events_expires ON events (expires);
-- How many events there are, by name: "total", "action <a>", "day <yyyymmdd>", "ids <id/1000>".
CREATE TABLE event_counts (
	name TEXT NOT NULL PRIMARY KEY,
	n    INTEGER NOT NULL
);
CREATE TABLE consents (
	pk          INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"      INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	application TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	permissions TEXT NOT NULL,
	expires     INTEGER,
	expiring    INTEGER NOT NULL,
	UNIQUE ("user", application, permissions)
);
CREATE INDEX consents_application ON consents (application);
-- What a provider gave to a client: authorization codes, access and refresh tokens. family ties together what came from one code.
CREATE TABLE oauth_codes (
	pk             INTEGER PRIMARY KEY AUTOINCREMENT,
	hash           TEXT NOT NULL UNIQUE,
	provider       INTEGER NOT NULL,
	"user"         INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	scope          TEXT NOT NULL,
	expires        INTEGER NOT NULL,
	redirect_uri   TEXT NOT NULL,
	nonce          TEXT NOT NULL,
	challenge      TEXT NOT NULL,
	challenge_kind TEXT NOT NULL,
	auth           TEXT NOT NULL,
	session        TEXT NOT NULL,
	family         TEXT NOT NULL,
	used           INTEGER NOT NULL
);
CREATE INDEX oauth_codes_expires ON oauth_codes (expires);
CREATE INDEX oauth_codes_provider ON oauth_codes (provider);
CREATE INDEX oauth_codes_user ON oauth_codes ("user");
CREATE TABLE oauth_tokens (
	pk       INTEGER PRIMARY KEY AUTOINCREMENT,
	kind     TEXT NOT NULL,
	hash     TEXT NOT NULL UNIQUE,
	provider INTEGER NOT NULL,
	"user"   INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	scope    TEXT NOT NULL,
	created  INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	revoked  INTEGER NOT NULL,
	nonce    TEXT NOT NULL,
	auth     TEXT NOT NULL,
	session  TEXT NOT NULL,
	family   TEXT NOT NULL,
	id_token TEXT NOT NULL
);
CREATE INDEX oauth_tokens_expires ON oauth_tokens (expires);
CREATE INDEX oauth_tokens_family ON oauth_tokens (family);
CREATE INDEX oauth_tokens_provider ON oauth_tokens (provider);
CREATE INDEX oauth_tokens_user ON oauth_tokens ("user");
-- Wrong passwords, counted by account and by address, beside any flow.
CREATE TABLE attempts (
	who     TEXT NOT NULL PRIMARY KEY,
	n       INTEGER NOT NULL,
	updated INTEGER NOT NULL
);
