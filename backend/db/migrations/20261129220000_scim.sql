-- +goose Up
-- When a SCIM client first and last wrote a person or group, for "meta"; unknown for what was sent before.
ALTER TABLE scim_users ADD COLUMN created INTEGER;
ALTER TABLE scim_users ADD COLUMN modified INTEGER;
ALTER TABLE scim_groups ADD COLUMN created INTEGER;
ALTER TABLE scim_groups ADD COLUMN modified INTEGER;
