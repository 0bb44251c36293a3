type Point = { x_cord: number; y_cord: number };

/** What is left of one series without another: sign-ins are counted with the refused ones among them. */
export function without(all: Point[], some: Point[]): Point[] {
	return all.map(({ x_cord, y_cord }, index) => ({ x_cord, y_cord: Math.max(0, y_cord - (some[index]?.y_cord ?? 0)) }));
}

/**
 * Several series on one time axis, in seconds. Each was asked for at its own moment and ends there, so what belongs together
 * stands at the same place, not at the same millisecond.
 */
export function merge(all: Point[][]): { times: number[]; values: number[][] } {
	const longest = all.reduce((a, b) => (b.length > a.length ? b : a), []);
	return {
		times: longest.map((point) => Math.round(point.x_cord / 1000)),
		values: all.map((points) => longest.map((_point, index) => points[index]?.y_cord ?? 0)),
	};
}
