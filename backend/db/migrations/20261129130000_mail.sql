-- +goose Up
-- Mails on their way, and for a while those that went. letter is sealed, since it holds links; it is emptied when the mail is done with.
CREATE TABLE mails (
	pk         TEXT NOT NULL PRIMARY KEY,
	created    INTEGER NOT NULL,
	recipients TEXT NOT NULL,
	subject    TEXT NOT NULL,
	state      TEXT NOT NULL,
	tries      INTEGER NOT NULL,
	due        INTEGER NOT NULL,
	finished   INTEGER,
	words      TEXT NOT NULL,
	quiet      INTEGER NOT NULL,
	letter     TEXT NOT NULL
);
CREATE INDEX mails_due ON mails (due) WHERE state = 'queued';
CREATE INDEX mails_recipients ON mails (recipients, created);
-- Notifications on their way to other servers, and for a while those that went.
CREATE TABLE notices (
	pk        TEXT NOT NULL PRIMARY KEY,
	created   INTEGER NOT NULL,
	transport TEXT NOT NULL REFERENCES object (pk) ON DELETE CASCADE,
	"user"    INTEGER NOT NULL REFERENCES users (pk) ON DELETE CASCADE,
	event     TEXT,
	severity  TEXT NOT NULL,
	body      TEXT NOT NULL,
	state     TEXT NOT NULL,
	tries     INTEGER NOT NULL,
	due       INTEGER NOT NULL,
	finished  INTEGER,
	words     TEXT NOT NULL
);
CREATE INDEX notices_due ON notices (due) WHERE state = 'queued';
CREATE INDEX notices_transport ON notices (transport);
CREATE INDEX notices_user ON notices ("user");
