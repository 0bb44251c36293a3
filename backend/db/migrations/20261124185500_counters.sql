-- +goose Up
-- Events are counted by the database itself: every row by its action, its hour and its thousand of ids; what an application was opened, and by whom.
DROP INDEX events_action;
CREATE INDEX events_action ON events (action);
CREATE INDEX events_created ON events (created, action);
CREATE INDEX events_username ON events (json_extract("user", '$."username"'));
-- Who stands behind the counter "app <action> <key>"; "people <action> <key>" counts them. 0 is nobody known.
CREATE TABLE event_people (
	name   TEXT NOT NULL,
	"user" INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	PRIMARY KEY (name, "user")
) WITHOUT ROWID;
DELETE FROM event_counts;
INSERT INTO event_counts SELECT 'total', count(*) FROM events;
INSERT INTO event_counts SELECT 'action ' || action, count(*) FROM events GROUP BY action;
INSERT INTO event_counts SELECT 'ids ' || (id / 1000), count(*) FROM events GROUP BY id / 1000;
INSERT INTO event_counts SELECT 'hour ' || strftime('%Y%m%d%H', created / 1000000, 'unixepoch') || ' ' || action, count(*) FROM events GROUP BY 1;
INSERT INTO event_counts SELECT 'app ' || action || ' ' || authorized_app, count(*) FROM events WHERE authorized_app IS NOT NULL GROUP BY 1;
INSERT INTO event_people SELECT action || ' ' || authorized_app, coalesce(user_pk, 0), count(*) FROM events WHERE authorized_app IS NOT NULL GROUP BY 1, 2;
INSERT INTO event_counts SELECT 'people ' || name, count(*) FROM event_people WHERE "user" <> 0 GROUP BY name;
-- +goose StatementBegin
CREATE TRIGGER events_counted AFTER INSERT ON events BEGIN
	INSERT INTO event_counts (name, n) VALUES ('total', 1), ('action ' || new.action, 1), ('ids ' || (new.id / 1000), 1),
		('hour ' || strftime('%Y%m%d%H', new.created / 1000000, 'unixepoch') || ' ' || new.action, 1)
		ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_uncounted AFTER DELETE ON events BEGIN
	INSERT INTO event_counts (name, n) VALUES ('total', -1), ('action ' || old.action, -1), ('ids ' || (old.id / 1000), -1),
		('hour ' || strftime('%Y%m%d%H', old.created / 1000000, 'unixepoch') || ' ' || old.action, -1)
		ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_recounted AFTER UPDATE OF action, created ON events BEGIN
	INSERT INTO event_counts (name, n) VALUES ('total', -1), ('action ' || old.action, -1), ('ids ' || (old.id / 1000), -1),
		('hour ' || strftime('%Y%m%d%H', old.created / 1000000, 'unixepoch') || ' ' || old.action, -1)
		ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
	INSERT INTO event_counts (name, n) VALUES ('total', 1), ('action ' || new.action, 1), ('ids ' || (new.id / 1000), 1),
		('hour ' || strftime('%Y%m%d%H', new.created / 1000000, 'unixepoch') || ' ' || new.action, 1)
		ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_app_counted AFTER INSERT ON events WHEN new.authorized_app IS NOT NULL BEGIN
	INSERT INTO event_counts (name, n) VALUES ('app ' || new.action || ' ' || new.authorized_app, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1;
	INSERT INTO event_people (name, "user", n) VALUES (new.action || ' ' || new.authorized_app, coalesce(new.user_pk, 0), 1) ON CONFLICT (name, "user") DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_app_uncounted AFTER DELETE ON events WHEN old.authorized_app IS NOT NULL BEGIN
	UPDATE event_counts SET n = n - 1 WHERE name = 'app ' || old.action || ' ' || old.authorized_app;
	UPDATE event_people SET n = n - 1 WHERE name = old.action || ' ' || old.authorized_app AND "user" = coalesce(old.user_pk, 0);
	DELETE FROM event_people WHERE name = old.action || ' ' || old.authorized_app AND "user" = coalesce(old.user_pk, 0) AND n <= 0;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_app_before BEFORE UPDATE OF action, authorized_app, user_pk ON events WHEN old.authorized_app IS NOT NULL BEGIN
	UPDATE event_counts SET n = n - 1 WHERE name = 'app ' || old.action || ' ' || old.authorized_app;
	UPDATE event_people SET n = n - 1 WHERE name = old.action || ' ' || old.authorized_app AND "user" = coalesce(old.user_pk, 0);
	DELETE FROM event_people WHERE name = old.action || ' ' || old.authorized_app AND "user" = coalesce(old.user_pk, 0) AND n <= 0;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_app_after AFTER UPDATE OF action, authorized_app, user_pk ON events WHEN new.authorized_app IS NOT NULL BEGIN
	INSERT INTO event_counts (name, n) VALUES ('app ' || new.action || ' ' || new.authorized_app, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1;
	INSERT INTO event_people (name, "user", n) VALUES (new.action || ' ' || new.authorized_app, coalesce(new.user_pk, 0), 1) ON CONFLICT (name, "user") DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER event_people_counted AFTER INSERT ON event_people WHEN new."user" <> 0 BEGIN
	INSERT INTO event_counts (name, n) VALUES ('people ' || new.name, 1) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER event_people_uncounted AFTER DELETE ON event_people WHEN old."user" <> 0 BEGIN
	INSERT INTO event_counts (name, n) VALUES ('people ' || old.name, -1) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
