-- +goose Up
-- What a grant was given under beside its scopes, as JSON: claims asked for by name, the key that its tokens are bound to, the resources that
-- they are for. Empty where there is nothing of it.
ALTER TABLE oauth_codes ADD COLUMN terms TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_tokens ADD COLUMN terms TEXT NOT NULL DEFAULT '';
ALTER TABLE oauth_devices ADD COLUMN terms TEXT NOT NULL DEFAULT '';
