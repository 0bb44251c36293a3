// Reads the diagram of a flow, which the server writes in Mermaid's language; only the few forms that it uses.

export type Shape = "stage" | "policy" | "end" | "plain";
export type Node = { id: string; shape: Shape; kind: string; text: string };
export type Edge = { from: string; to: string; label: string };
export type Graph = { nodes: Node[]; edges: Edge[] };

const shapes: Record<string, Shape> = { "([": "stage", "{{": "policy", "[[": "end", "[": "plain" };
const node = /^(\w+)(\(\[|\{\{|\[\[|\[)"([^"]*)"(?:\]\)|\}\}|\]\]|\])$/gm;
const edge = /^(\w+) --(?:(.+?)--)?> (\w+)$/gm;

/** The first line of a node says what it is, the rest is its name; a single line is a name. */
export function readMermaid(text: string): Graph {
	const nodes = [...text.matchAll(node)].map(([, id = "", open = "", inside = ""]): Node => {
		const [first = "", ...rest] = inside.replaceAll("#quot;", '"').split("\n");
		const shape = shapes[open] ?? "plain";
		return rest.length > 0 ? { id, shape, kind: first, text: rest.join(" ") } : { id, shape, kind: "", text: first };
	});
	const known = new Set(nodes.map(({ id }) => id));
	const edges = [...text.matchAll(edge)]
		.map(([, from = "", label = "", to = ""]): Edge => ({ from, to, label }))
		.filter(({ from, to }) => known.has(from) && known.has(to));
	return { nodes, edges };
}
