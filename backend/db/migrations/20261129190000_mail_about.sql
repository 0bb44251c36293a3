-- +goose Up
-- What a mail is about, so that it can be found from there; empty for most.
ALTER TABLE mails ADD COLUMN about TEXT NOT NULL DEFAULT '';
CREATE INDEX mails_about ON mails (about, pk) WHERE about <> '';
