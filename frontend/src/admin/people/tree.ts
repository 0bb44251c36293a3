type Node = { pk: string; parent?: string | null };

/** The groups below each group; what hangs below an unknown group, or below itself, stands at the top. */
export function byParent<T extends Node>(groups: T[]): Map<string | null, T[]> {
	const known = new Map(groups.map((group) => [group.pk, group]));
	const below = new Map<string | null, T[]>();
	for (const group of groups) {
		const parent = group.parent && known.has(group.parent) && !isCircle(group, known) ? group.parent : null;
		below.set(parent, [...(below.get(parent) ?? []), group]);
	}
	return below;
}

function isCircle<T extends Node>(group: T, known: Map<string, T>): boolean {
	const seen = new Set([group.pk]);
	for (let up = group.parent; up; up = known.get(up)?.parent) {
		if (seen.has(up)) return true;
		seen.add(up);
	}
	return false;
}
