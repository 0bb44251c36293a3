-- +goose Up
-- Which groups make superusers is asked for every page of users; few do.
CREATE INDEX usergroups_super ON usergroups (pk) WHERE is_superuser = 1;
