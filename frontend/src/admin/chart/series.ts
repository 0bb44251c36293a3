type Point = { x_cord: number; y_cord: number };

/** What is left of one series without another: sign-ins are counted with the refused ones among them. */
export function without(all: Point[], some: Point[]): Point[] {
	const less = new Map(some.map((point) => [point.x_cord, point.y_cord]));
	return all.map(({ x_cord, y_cord }) => ({ x_cord, y_cord: Math.max(0, y_cord - (less.get(x_cord) ?? 0)) }));
}

/** Several series on one time axis; a time that a series lacks counts as none. Times in seconds. */
export function merge(all: Point[][]): { times: number[]; values: number[][] } {
	const times = [...new Set(all.flat().map((point) => point.x_cord))].sort((a, b) => a - b);
	const values = all.map((points) => {
		const at = new Map(points.map((point) => [point.x_cord, point.y_cord]));
		return times.map((time) => at.get(time) ?? 0);
	});
	return { times: times.map((time) => Math.round(time / 1000)), values };
}
