import type { Row } from "~/schema/description";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** The name by which a person knows an object, whatever its kind. */
export function labelOfRow(row: Row): string {
	const username = text(row.username);
	const name = text(row.name);
	if (username) return name && name !== username ? `${name} (${username})` : username;
	return name || text(row.label) || text(row.identifier) || text(row.domain) || text(row.branding_title) || String(row.pk ?? "");
}

/** The name of a person, with the user name where the full name is empty. */
export function personName(user: { name?: string; username: string }): string {
	return user.name?.trim() || user.username;
}

/** Objects without a name of their own are known to the server by their key, which tells nobody anything. */
export function isKey(name: string): boolean {
	return /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f-]{18,}$/i.test(name);
}
