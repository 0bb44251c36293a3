-- +goose Up
-- Tokens that nothing else comes from, as those of programs, belong to no family.
DROP INDEX oauth_tokens_family;
CREATE INDEX oauth_tokens_family ON oauth_tokens (family) WHERE family <> '';
