type Step = { pk: string; order: number };

/** The new orders after one step moved; only what has to change, and never two steps at one place. */
export function reordered(steps: Step[], from: number, to: number): Step[] {
	const next = [...steps];
	const [moved] = next.splice(from, 1);
	if (!moved) return [];
	next.splice(to, 0, moved);
	const places = steps.map((step) => step.order);
	const distinct = new Set(places).size === places.length;
	return next
		.map((step, index) => ({ pk: step.pk, order: distinct ? (places[index] ?? index * 10) : index * 10 }))
		.filter((step) => {
			const before = steps.find((one) => one.pk === step.pk);
			return before?.order !== step.order;
		});
}
