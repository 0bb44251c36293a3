-- +goose Up
-- Systems that are kept in step by SCIM: the providers that work for an application. The triggers below note for each of them who changed,
-- in the transaction of the change.
CREATE TABLE scim_targets (
	provider INTEGER NOT NULL PRIMARY KEY,
	wanted   INTEGER NOT NULL,
	anew     INTEGER NOT NULL,
	finished INTEGER
);
-- What such a system knows of a person or a group, and what is to be told: due is when, NULL when nothing is. A row outlives whom it is of
-- until the system was told. mark grows with every change, so that one that comes while the row is being sent is not taken for sent.
CREATE TABLE scim_out (
	provider INTEGER NOT NULL,
	kind     TEXT NOT NULL,
	object   TEXT NOT NULL,
	name     TEXT NOT NULL,
	scim_id  TEXT NOT NULL DEFAULT '',
	asked    INTEGER NOT NULL DEFAULT 0,
	sent     TEXT NOT NULL DEFAULT '',
	members  TEXT NOT NULL DEFAULT '',
	state    TEXT NOT NULL DEFAULT 'waiting',
	says     TEXT NOT NULL DEFAULT '',
	tries    INTEGER NOT NULL DEFAULT 0,
	mark     INTEGER NOT NULL DEFAULT 0,
	due      INTEGER,
	told     INTEGER,
	PRIMARY KEY (provider, kind, object)
);
CREATE INDEX scim_out_due ON scim_out (provider, due) WHERE due IS NOT NULL;
CREATE INDEX scim_out_id ON scim_out (provider, kind, scim_id) WHERE scim_id <> '';
CREATE INDEX scim_out_state ON scim_out (provider, state, name);
-- +goose StatementBegin
CREATE TRIGGER scim_out_user_new AFTER INSERT ON users WHEN EXISTS (SELECT 1 FROM scim_targets) BEGIN
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT provider, 'user', new.pk, new.username, 1, 0 FROM scim_targets WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scim_out_user_changed AFTER UPDATE OF username, name, is_active, email, attributes, path, type ON users
	WHEN EXISTS (SELECT 1 FROM scim_targets) AND (old.username <> new.username OR old.name <> new.name OR old.is_active <> new.is_active OR old.email <> new.email
		OR old.attributes <> new.attributes OR old.path <> new.path OR old.type <> new.type) BEGIN
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT provider, 'user', new.pk, new.username, 1, 0 FROM scim_targets WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scim_out_user_gone AFTER DELETE ON users WHEN EXISTS (SELECT 1 FROM scim_targets) BEGIN
	UPDATE scim_out SET due = 0, tries = 0, mark = mark + 1 WHERE kind = 'user' AND object = CAST(old.pk AS TEXT) AND provider IN (SELECT provider FROM scim_targets);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scim_out_group_new AFTER INSERT ON usergroups WHEN EXISTS (SELECT 1 FROM scim_targets) BEGIN
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT provider, 'group', new.pk, new.name, 1, 0 FROM scim_targets WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scim_out_group_changed AFTER UPDATE OF name, is_superuser, parent, attributes ON usergroups
	WHEN EXISTS (SELECT 1 FROM scim_targets) AND (old.name <> new.name OR old.is_superuser <> new.is_superuser OR old.parent IS NOT new.parent OR old.attributes <> new.attributes) BEGIN
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT provider, 'group', new.pk, new.name, 1, 0 FROM scim_targets WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scim_out_group_gone AFTER DELETE ON usergroups WHEN EXISTS (SELECT 1 FROM scim_targets) BEGIN
	UPDATE scim_out SET due = 0, tries = 0, mark = mark + 1 WHERE kind = 'group' AND object = old.pk AND provider IN (SELECT provider FROM scim_targets);
END;
-- +goose StatementEnd
-- A membership is of both sides: of the group as SCIM has it, of the person where the mapping or the filter looks at it.
-- +goose StatementBegin
CREATE TRIGGER scim_out_member_new AFTER INSERT ON memberships WHEN EXISTS (SELECT 1 FROM scim_targets) BEGIN
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT t.provider, 'user', u.pk, u.username, 1, 0 FROM scim_targets t JOIN users u ON u.pk = new."user" WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT t.provider, 'group', g.pk, g.name, 1, 0 FROM scim_targets t JOIN usergroups g ON g.pk = new."group" WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scim_out_member_gone AFTER DELETE ON memberships WHEN EXISTS (SELECT 1 FROM scim_targets) BEGIN
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT t.provider, 'user', u.pk, u.username, 1, 0 FROM scim_targets t JOIN users u ON u.pk = old."user" WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
	INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT t.provider, 'group', g.pk, g.name, 1, 0 FROM scim_targets t JOIN usergroups g ON g.pk = old."group" WHERE true
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, tries = 0, mark = mark + 1;
END;
-- +goose StatementEnd
