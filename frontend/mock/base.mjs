// What every part of the mock data is made with: chance that is the same each time, keys, times.

let seed = 7;

export const random = () => {
	seed = (seed * 1103515245 + 12345) % 2147483648;
	return seed / 2147483648;
};

export const pick = (list) => list[Math.floor(random() * list.length)];

export const uuid = (kind, number) => `${kind.toString(16).padStart(8, "0")}-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;

const now = Date.now();

export const before = (minutes) => new Date(now - minutes * 60_000).toISOString();

export const after = (minutes) => before(-minutes);

export const DAY = 1440;

/** Starts chance anew, so that every office of one size is the same. */
export function restart() {
	seed = 7;
}
