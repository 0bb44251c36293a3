-- +goose Up
-- Whom a SCIM source sent with which manager: a manager may arrive after the people whom they lead.
CREATE INDEX scim_users_manager ON scim_users (source, json_extract(attributes, '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".manager.value'))
	WHERE json_extract(attributes, '$."urn:ietf:params:scim:schemas:extension:enterprise:2.0:User".manager.value') IS NOT NULL;
