/** The part of an address that a name gives: small letters, digits and dashes. */
export function slugOf(name: string): string {
	const plain = name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
	return plain
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-+|-+$/g, "")
		.slice(0, 50);
}
