/** Copies a text; on plain HTTP and in some windows only the older way works. */
export async function copyText(text: string): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyBySelection(text);
	}
}

function copyBySelection(text: string): boolean {
	const box = document.createElement("textarea");
	box.value = text;
	box.style.position = "fixed";
	box.style.opacity = "0";
	const before = document.activeElement as HTMLElement | null;
	document.body.append(box);
	box.select();
	const done = document.execCommand("copy");
	box.remove();
	before?.focus();
	return done;
}
