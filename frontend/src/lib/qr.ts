// QR codes (ISO/IEC 18004), drawn here so that nobody outside has to see what is in them: bytes, error correction level M.

/** Error correction at level M, by version from 1: codewords for correction in each block, and the number of blocks (table 9). */
const perBlock = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const blocks = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const MOST = perBlock.length;

/** The centres of the alignment patterns (annex E). */
function alignments(version: number): number[] {
	if (version === 1) return [];
	const count = Math.floor(version / 7) + 2;
	const last = version * 4 + 10;
	const step = Math.ceil((last - 6) / (count - 1) / 2) * 2;
	return [6, ...Array.from({ length: count - 1 }, (_, index) => last - step * (count - 2 - index))];
}

/** Modules that carry data: all but finders, timing, alignment, format and version. */
function capacity(version: number): number {
	const size = version * 4 + 17;
	const along = alignments(version).length;
	const patterns = along ? (along * along - 3) * 25 - (along - 2) * 2 * 5 : 0;
	const modules = size * size - 3 * 64 - 2 * (size - 16) - 31 - patterns - (version >= 7 ? 36 : 0);
	return Math.floor(modules / 8);
}

const exponents = new Uint8Array(255);
const logarithms = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
	exponents[power] = value;
	logarithms[value] = power;
	value = (value << 1) ^ (value & 0x80 ? 0x11d : 0);
}

const at = (list: ArrayLike<number>, index: number): number => list[index] ?? 0;

const times = (a: number, b: number): number => (a && b ? at(exponents, (at(logarithms, a) + at(logarithms, b)) % 255) : 0);

/** The remainder of the data by the generator polynomial of a degree (Reed-Solomon over GF(256)). */
function correction(data: readonly number[], degree: number): number[] {
	let generator = [1];
	for (let power = 0; power < degree; power++) {
		const root = at(exponents, power);
		const next = [...generator, 0];
		for (let index = 0; index < generator.length; index++) next[index + 1] = at(next, index + 1) ^ times(at(generator, index), root);
		generator = next;
	}
	const rest = new Array<number>(degree).fill(0);
	for (const byte of data) {
		const factor = byte ^ at(rest, 0);
		rest.shift();
		rest.push(0);
		for (let index = 0; index < degree; index++) rest[index] = at(rest, index) ^ times(at(generator, index + 1), factor);
	}
	return rest;
}

/** The bytes of a text with header, padding and correction, in the order in which they are drawn. */
function codewords(bytes: Uint8Array, version: number): number[] {
	const count = at(blocks, version - 1);
	const degree = at(perBlock, version - 1);
	const all = capacity(version);
	const room = all - count * degree;
	const bits: number[] = [];
	const put = (value: number, length: number) => {
		for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
	};
	put(4, 4);
	put(bytes.length, version < 10 ? 8 : 16);
	for (const byte of bytes) put(byte, 8);
	put(0, Math.min(4, room * 8 - bits.length));
	put(0, (8 - (bits.length % 8)) % 8);
	const data: number[] = [];
	for (let start = 0; start < bits.length; start += 8) data.push(bits.slice(start, start + 8).reduce((byte, bit) => byte * 2 + bit, 0));
	for (let pad = 0xec; data.length < room; pad ^= 0xec ^ 0x11) data.push(pad);

	const short = Math.floor(room / count);
	const longer = room % count;
	const parts: number[][] = [];
	for (let index = 0, start = 0; index < count; index++) {
		const length = short + (index >= count - longer ? 1 : 0);
		parts.push(data.slice(start, start + length));
		start += length;
	}
	const checks = parts.map((part) => correction(part, degree));
	const inTurn = (lists: number[][], length: number) =>
		Array.from({ length }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
	return [...inTurn(parts, short + 1), ...inTurn(checks, degree)];
}

export type Code = { size: number; dark: (x: number, y: number) => boolean };

const masks: ((x: number, y: number) => boolean)[] = [
	(x, y) => (x + y) % 2 === 0,
	(_x, y) => y % 2 === 0,
	(x) => x % 3 === 0,
	(x, y) => (x + y) % 3 === 0,
	(x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
	(x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
	(x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
	(x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

class Drawing {
	readonly size: number;
	readonly modules: boolean[][];
	readonly fixed: boolean[][];

	constructor(readonly version: number) {
		this.size = version * 4 + 17;
		const empty = () => Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
		this.modules = empty();
		this.fixed = empty();
		this.patterns();
	}

	get(x: number, y: number): boolean {
		return this.modules[y]?.[x] ?? false;
	}

	set(x: number, y: number, dark: boolean): void {
		const row = this.modules[y];
		if (row && x >= 0 && x < this.size) row[x] = dark;
	}

	private pin(x: number, y: number, dark: boolean): void {
		this.set(x, y, dark);
		const row = this.fixed[y];
		if (row && x >= 0 && x < this.size) row[x] = true;
	}

	private patterns(): void {
		for (let index = 0; index < this.size; index++) {
			this.pin(6, index, index % 2 === 0);
			this.pin(index, 6, index % 2 === 0);
		}
		for (const [x, y] of [
			[3, 3],
			[this.size - 4, 3],
			[3, this.size - 4],
		] as const) {
			for (let dy = -4; dy <= 4; dy++)
				for (let dx = -4; dx <= 4; dx++) {
					const far = Math.max(Math.abs(dx), Math.abs(dy));
					this.pin(x + dx, y + dy, far !== 2 && far !== 4);
				}
		}
		const centres = alignments(this.version);
		const last = centres.length - 1;
		centres.forEach((y, row) => {
			centres.forEach((x, column) => {
				if ((row === 0 && (column === 0 || column === last)) || (row === last && column === 0)) return;
				for (let dy = -2; dy <= 2; dy++)
					for (let dx = -2; dx <= 2; dx++) this.pin(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
			});
		});
		this.format(0);
		if (this.version < 7) return;
		let rest = this.version;
		for (let index = 0; index < 12; index++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
		const bits = (this.version << 12) | rest;
		for (let index = 0; index < 18; index++) {
			const dark = ((bits >> index) & 1) === 1;
			const a = this.size - 11 + (index % 3);
			const b = Math.floor(index / 3);
			this.pin(a, b, dark);
			this.pin(b, a, dark);
		}
	}

	/** Level M is 00 in the format information (table 12). */
	format(mask: number): void {
		let rest = mask;
		for (let index = 0; index < 10; index++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
		const bits = ((mask << 10) | rest) ^ 0x5412;
		const dark = (index: number) => ((bits >> index) & 1) === 1;
		for (let index = 0; index <= 5; index++) this.pin(8, index, dark(index));
		this.pin(8, 7, dark(6));
		this.pin(8, 8, dark(7));
		this.pin(7, 8, dark(8));
		for (let index = 9; index < 15; index++) this.pin(14 - index, 8, dark(index));
		for (let index = 0; index < 8; index++) this.pin(this.size - 1 - index, 8, dark(index));
		for (let index = 8; index < 15; index++) this.pin(8, this.size - 15 + index, dark(index));
		this.pin(8, this.size - 8, true);
	}

	fill(data: readonly number[]): void {
		let next = 0;
		for (let right = this.size - 1; right >= 1; right -= 2) {
			if (right === 6) right = 5;
			const up = ((right + 1) & 2) === 0;
			for (let step = 0; step < this.size; step++)
				for (const x of [right, right - 1]) {
					const y = up ? this.size - 1 - step : step;
					if (this.fixed[y]?.[x] || next >= data.length * 8) continue;
					this.set(x, y, ((at(data, next >> 3) >> (7 - (next & 7))) & 1) === 1);
					next++;
				}
		}
	}

	mask(number: number): void {
		const flips = masks[number];
		for (let y = 0; y < this.size; y++)
			for (let x = 0; x < this.size; x++) if (!this.fixed[y]?.[x] && flips?.(x, y)) this.set(x, y, !this.get(x, y));
	}

	/** How hard it is to read (section 7.8.3): runs, squares, patterns that look like a finder, too much of one colour. */
	penalty(): number {
		let sum = 0;
		let darks = 0;
		const finder = /(?=00001011101|10111010000)/g;
		for (let line = 0; line < this.size; line++)
			for (const read of [(index: number) => this.get(index, line), (index: number) => this.get(line, index)]) {
				const text = Array.from({ length: this.size }, (_, index) => (read(index) ? "1" : "0")).join("");
				for (const run of text.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
				sum += 40 * [...text.matchAll(finder)].length;
			}
		for (let y = 0; y < this.size; y++)
			for (let x = 0; x < this.size; x++) {
				const dark = this.get(x, y);
				if (dark) darks++;
				if (x && y && dark === this.get(x - 1, y) && dark === this.get(x, y - 1) && dark === this.get(x - 1, y - 1)) sum += 3;
			}
		return sum + 10 * Math.floor(Math.abs((darks * 20) / (this.size * this.size) - 10));
	}
}

/** The code of a text; undefined for a text of more than about 660 bytes, which would be too fine to scan from a screen. */
export function qrCode(text: string): Code | undefined {
	const bytes = new TextEncoder().encode(text);
	const fits = (version: number) =>
		4 + (version < 10 ? 8 : 16) + bytes.length * 8 <= (capacity(version) - at(blocks, version - 1) * at(perBlock, version - 1)) * 8;
	let version = 1;
	while (version <= MOST && !fits(version)) version++;
	if (version > MOST) return undefined;
	const data = codewords(bytes, version);
	const tries = masks.map((_, number) => {
		const drawing = new Drawing(version);
		drawing.fill(data);
		drawing.mask(number);
		drawing.format(number);
		return drawing;
	});
	const best = tries.map((one) => ({ one, penalty: one.penalty() })).reduce((a, b) => (b.penalty < a.penalty ? b : a)).one;
	return { size: best.size, dark: (x, y) => best.get(x, y) };
}

/** The dark modules as the path of an SVG, each row in as few pieces as there are; the border is what scanners need. */
export function qrPath({ size, dark }: Code, border = 4): string {
	let path = "";
	for (let y = 0; y < size; y++)
		for (let x = 0; x < size; x++) {
			if (!dark(x, y)) continue;
			let run = 1;
			while (dark(x + run, y)) run++;
			path += `M${x + border} ${y + border}h${run}v1h-${run}z`;
			x += run;
		}
	return path;
}
