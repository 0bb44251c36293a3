-- +goose Up
-- Devices that wait for a person to let them in (RFC 8628). state is 0 while nobody decided, 1 when somebody did, 2 when they refused.
CREATE TABLE oauth_devices (
	pk          INTEGER PRIMARY KEY AUTOINCREMENT,
	hash        TEXT NOT NULL UNIQUE,
	user_code   TEXT NOT NULL UNIQUE,
	provider    INTEGER NOT NULL,
	"user"      INTEGER REFERENCES users (pk) ON DELETE CASCADE,
	scope       TEXT NOT NULL,
	expires     INTEGER NOT NULL,
	state       INTEGER NOT NULL,
	auth        TEXT NOT NULL,
	session     TEXT NOT NULL,
	polled      INTEGER NOT NULL
);
CREATE INDEX oauth_devices_expires ON oauth_devices (expires);
CREATE INDEX oauth_devices_provider ON oauth_devices (provider);
CREATE INDEX oauth_devices_user ON oauth_devices ("user");
