export function cookie(name: string): string | undefined {
	for (const part of document.cookie.split("; ")) {
		const at = part.indexOf("=");
		if (part.slice(0, at) === name) return decodeURIComponent(part.slice(at + 1));
	}
	return undefined;
}
