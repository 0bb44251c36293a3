-- +goose Up
-- Finds people by any three letters of their names and addresses without reading the whole table.
CREATE VIRTUAL TABLE users_search USING fts5 (username, name, email, content='users', content_rowid='pk', tokenize='trigram');
-- +goose StatementBegin
CREATE TRIGGER users_search_insert AFTER INSERT ON users BEGIN
	INSERT INTO users_search (rowid, username, name, email) VALUES (new.pk, new.username, new.name, new.email);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_search_delete AFTER DELETE ON users BEGIN
	INSERT INTO users_search (users_search, rowid, username, name, email) VALUES ('delete', old.pk, old.username, old.name, old.email);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER users_search_update AFTER UPDATE OF username, name, email ON users BEGIN
	INSERT INTO users_search (users_search, rowid, username, name, email) VALUES ('delete', old.pk, old.username, old.name, old.email);
	INSERT INTO users_search (rowid, username, name, email) VALUES (new.pk, new.username, new.name, new.email);
END;
-- +goose StatementEnd
INSERT INTO users_search (users_search) VALUES ('rebuild');
