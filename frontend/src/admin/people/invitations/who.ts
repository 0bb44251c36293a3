// Whom an invitation is for.
import type { Invitation } from "~/api/schema.gen";

/** A text that is known of the person beforehand; empty where there is none. */
export function knownOf({ fixed_data }: Pick<Invitation, "fixed_data">, name: string): string {
	const value = (fixed_data as Record<string, unknown> | undefined)?.[name];
	return typeof value === "string" ? value : "";
}

/** The person's name where it is known, else the name of the invitation. */
export const whoOf = (invitation: Pick<Invitation, "fixed_data" | "name">): string => knownOf(invitation, "name") || invitation.name;

export const isOver = ({ expires }: Pick<Invitation, "expires">, now: number = Date.now()): boolean =>
	!!expires && new Date(expires).getTime() <= now;
