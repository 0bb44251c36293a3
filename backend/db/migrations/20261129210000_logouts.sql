-- +goose Up
-- Applications that know somebody by a session and want to hear when it ends (OpenID Connect Back-Channel Logout 1.0). A row whose session
-- is not there any more is on its way: it is told, tried again from due on, and removed.
CREATE TABLE oauth_logins (
	provider INTEGER NOT NULL,
	sid      TEXT NOT NULL,
	session  TEXT NOT NULL,
	sub      TEXT NOT NULL,
	iss      TEXT NOT NULL,
	tries    INTEGER NOT NULL,
	due      INTEGER NOT NULL,
	PRIMARY KEY (provider, sid)
);
CREATE INDEX oauth_logins_session ON oauth_logins (session);
CREATE INDEX oauth_logins_due ON oauth_logins (due);
