// Places the nodes of a flow from top to bottom; ways that pass others by run at the right, each in a lane of its own.
import type { Edge, Graph, Node } from "./mermaid";

export type Placed = Node & { x: number; y: number };
export type Way = Edge & { path: string; at: { x: number; y: number }; anchor: "middle" | "start" };
export type Layout = { width: number; height: number; nodes: Placed[]; ways: Way[] };

export const WIDE = 270;
export const HIGH = 68;
const ACROSS = 24;
const DOWN = 52;
const EDGE = 16;
const LANE = 22;
/** Room for what stands at the beginning of a lane. */
const WORDS = 150;

/** The row of each node: below everything that leads to it, and what starts a way right above where it leads. */
export function ranks({ nodes, edges }: Graph): Map<string, number> {
	const rank = new Map(nodes.map(({ id }) => [id, 0]));
	const at = (id: string) => rank.get(id) ?? 0;
	// A flow has no loops; should it ever, the number of rounds ends this.
	for (let round = 0; round < nodes.length; round++) {
		let calm = true;
		for (const { from, to } of edges) {
			if (at(to) > at(from)) continue;
			rank.set(to, at(from) + 1);
			calm = false;
		}
		if (calm) break;
	}
	for (const { id } of nodes) {
		const next = edges.filter(({ from }) => from === id).map(({ to }) => at(to));
		if (next.length > 0 && !edges.some(({ to }) => to === id)) rank.set(id, Math.max(0, Math.min(...next) - 1));
	}
	return rank;
}

export function layOut(graph: Graph): Layout {
	const rank = ranks(graph);
	const rows: Node[][] = [];
	for (const node of graph.nodes) {
		const row = rank.get(node.id) ?? 0;
		rows[row] = [...(rows[row] ?? []), node];
	}
	const widest = Math.max(1, ...rows.map((row) => row?.length ?? 0));
	const body = widest * WIDE + (widest - 1) * ACROSS;
	const placed = new Map<string, Placed>();
	rows.forEach((row = [], index) => {
		const width = row.length * WIDE + (row.length - 1) * ACROSS;
		row.forEach((node, column) => {
			placed.set(node.id, { ...node, x: EDGE + (body - width) / 2 + column * (WIDE + ACROSS), y: EDGE + index * (HIGH + DOWN) });
		});
	});
	const lanes: [number, number][][] = [];
	const laneFor = (top: number, bottom: number): number => {
		let lane = lanes.findIndex((taken) => taken.every(([from, to]) => bottom <= from || top >= to));
		if (lane < 0) lane = lanes.push([]) - 1;
		lanes[lane]?.push([top, bottom]);
		return lane;
	};
	const span = ({ from, to }: Edge) => (placed.get(to)?.y ?? 0) - (placed.get(from)?.y ?? 0);
	// The shortest first: they run inside of the longer ones and cross them least.
	const ways = [...graph.edges]
		.sort((a, b) => span(a) - span(b))
		.flatMap((edge): Way[] => {
			const from = placed.get(edge.from);
			const to = placed.get(edge.to);
			if (!from || !to) return [];
			if (to.y - from.y === HIGH + DOWN) return [straight(edge, from, to)];
			const labelled = from.x + WIDE + 8;
			const lane = EDGE + body + WORDS + LANE * laneFor(from.y, to.y);
			const start = from.y + HIGH / 2;
			const end = to.y + HIGH / 2 + 8;
			return [
				{
					...edge,
					path: `M${from.x + WIDE} ${start}H${lane - 8}q8 0 8 8V${end - 8}q0 8 -8 8H${to.x + WIDE + 8}`,
					at: { x: labelled, y: start - 6 },
					anchor: "start",
				},
			];
		});
	return {
		width: EDGE * 2 + body + (lanes.length > 0 ? WORDS + LANE * lanes.length : 0),
		height: EDGE * 2 + rows.length * HIGH + (rows.length - 1) * DOWN,
		nodes: [...placed.values()],
		ways,
	};
}

function straight(edge: Edge, from: Placed, to: Placed): Way {
	const [x1, y1, x2, y2] = [from.x + WIDE / 2, from.y + HIGH, to.x + WIDE / 2, to.y - 8];
	const middle = (y1 + y2) / 2;
	return {
		...edge,
		path: x1 === x2 ? `M${x1} ${y1}V${y2}` : `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`,
		at: { x: (x1 + x2) / 2, y: middle + 4 },
		anchor: "middle",
	};
}

/** A name in at most two lines, broken where its words end; what has no room is cut. */
export function inLines(text: string, most = 32): string[] {
	if (text.length <= most) return [text];
	const end = Math.max(text.lastIndexOf(" ", most), text.lastIndexOf("-", most - 1), text.lastIndexOf("_", most - 1)) + 1;
	const at = end > most / 3 ? end : most;
	const rest = text.slice(at).trim();
	return [text.slice(0, at).trim(), rest.length > most ? `${rest.slice(0, most - 1)}…` : rest];
}
