-- +goose Up
-- Second factors: one table a class of devices, each row owned by a user.
CREATE TABLE totp_devices (
	pk        INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	name      TEXT NOT NULL,
	confirmed INTEGER NOT NULL,
	created   INTEGER NOT NULL,
	last_used INTEGER,
	key       TEXT NOT NULL,
	digits    INTEGER NOT NULL,
	drift     INTEGER NOT NULL,
	last_step INTEGER NOT NULL,
	failures  INTEGER NOT NULL,
	failed    INTEGER
);
CREATE INDEX totp_devices_user ON totp_devices ("user");
CREATE TABLE static_devices (
	pk        INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	name      TEXT NOT NULL,
	confirmed INTEGER NOT NULL,
	created   INTEGER NOT NULL,
	last_used INTEGER,
	failures  INTEGER NOT NULL,
	failed    INTEGER
);
CREATE INDEX static_devices_user ON static_devices ("user");
-- One code each. token is sealed, so that its owner can see it again; hash finds it.
CREATE TABLE static_tokens (
	pk     INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL REFERENCES static_devices (pk) ON DELETE CASCADE,
	token  TEXT NOT NULL,
	hash   TEXT NOT NULL
);
CREATE INDEX static_tokens_device ON static_tokens (device, hash);
CREATE TABLE sms_devices (
	pk            INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"        INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	name          TEXT NOT NULL,
	confirmed     INTEGER NOT NULL,
	created       INTEGER NOT NULL,
	last_used     INTEGER,
	stage         TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	phone_number  TEXT NOT NULL,
	token         TEXT NOT NULL,
	valid_until   INTEGER,
	UNIQUE (stage, phone_number)
);
CREATE INDEX sms_devices_user ON sms_devices ("user");
CREATE TABLE duo_devices (
	pk          INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"      INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	name        TEXT NOT NULL,
	confirmed   INTEGER NOT NULL,
	created     INTEGER NOT NULL,
	last_used   INTEGER,
	stage       TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	duo_user_id TEXT NOT NULL
);
CREATE INDEX duo_devices_user ON duo_devices ("user");
CREATE INDEX duo_devices_stage ON duo_devices (stage, duo_user_id);
-- The makes of security keys and passkeys that are known by their AAGUID.
CREATE TABLE webauthn_types (
	aaguid      TEXT NOT NULL PRIMARY KEY,
	description TEXT NOT NULL,
	icon        TEXT NOT NULL
);
CREATE TABLE webauthn_devices (
	pk            INTEGER PRIMARY KEY AUTOINCREMENT,
	"user"        INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	name          TEXT NOT NULL,
	confirmed     INTEGER NOT NULL,
	created       INTEGER NOT NULL,
	last_used     INTEGER,
	credential_id TEXT NOT NULL UNIQUE,
	credential    TEXT NOT NULL,
	sign_count    INTEGER NOT NULL,
	rp_id         TEXT NOT NULL,
	aaguid        TEXT NOT NULL,
	webauthn_type TEXT REFERENCES webauthn_types (aaguid) ON DELETE SET NULL
);
CREATE INDEX webauthn_devices_user ON webauthn_devices ("user");
CREATE INDEX webauthn_devices_type ON webauthn_devices (webauthn_type);
-- Invitations to enrol. The key is the secret of the link.
CREATE TABLE invitations (
	pk         TEXT NOT NULL PRIMARY KEY,
	name       TEXT NOT NULL,
	expires    INTEGER,
	fixed_data TEXT NOT NULL,
	creator    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	single_use INTEGER NOT NULL,
	flow       TEXT DEFAULT NULL REFERENCES object (pk) ON DELETE SET DEFAULT
);
CREATE INDEX invitations_creator ON invitations (creator);
CREATE INDEX invitations_flow ON invitations (flow);
CREATE INDEX invitations_expires ON invitations (expires);
-- How often somebody signed in (up) or failed to (down), by what they called themselves and from where.
CREATE TABLE reputation (
	pk          TEXT NOT NULL PRIMARY KEY,
	identifier  TEXT NOT NULL,
	ip          TEXT NOT NULL,
	ip_geo_data TEXT,
	ip_asn_data TEXT,
	score       INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	expires     INTEGER NOT NULL,
	UNIQUE (identifier, ip)
);
CREATE INDEX reputation_ip ON reputation (ip);
CREATE INDEX reputation_expires ON reputation (expires);
