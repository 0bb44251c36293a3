/** A cell that starts like a formula would be run by a spreadsheet: an apostrophe makes it a text. */
const harmless = (cell: string) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell);

export function toCsv(rows: string[][]): string {
	return `${rows.map((row) => row.map((cell) => `"${harmless(cell).replaceAll('"', '""')}"`).join(",")).join("\r\n")}\r\n`;
}
