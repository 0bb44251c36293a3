/** A mail that the person's own program sends: it needs no mail server here. */
export function mailTo(to: string, subject: string, body: string): string {
	const encode = (value: string) => encodeURIComponent(value.replaceAll("\n", "\r\n")); // RFC 6068, section 5
	return `mailto:${encodeURIComponent(to).replaceAll("%40", "@")}?subject=${encode(subject)}&body=${encode(body)}`;
}

/** The addresses that somebody wrote one a line, or with commas or semicolons between them. */
export const addressesIn = (text: string): string[] =>
	text
		.split(/[\n,;]/)
		.map((one) => one.trim())
		.filter(Boolean);
