// The message tables: every sentence a person reads comes from here.

export type Plural = { one?: string; other: string; few?: string; many?: string; two?: string; zero?: string };
export type Table = { [key: string]: string | Plural | Table };
type Values = Record<string, string | number>;

let english: Table = {};
let chosen: Table = {};
let locale = "en";

/** Sets the bundled English tables; later tables are merged into earlier ones. */
export function setEnglish(...tables: Table[]): void {
	english = Object.assign({}, ...tables);
}

/** Adds the English table of a part that is loaded later; the part calls it before it shows anything. */
export function addEnglish(table: Table): void {
	english = { ...english, ...table };
}

/** Sets the tables of another language; what they lack is read from English. */
export function setLanguage(name: string, ...tables: Table[]): void {
	locale = name;
	chosen = Object.assign({}, ...tables);
}

export function currentLocale(): string {
	return locale;
}

const isPlural = (found: Plural | Table): found is Plural => typeof found.other === "string";

function find(table: Table, key: string): string | Plural | undefined {
	let found: string | Plural | Table | undefined = table;
	for (const part of key.split(".")) {
		if (found === undefined || typeof found === "string") return undefined;
		found = (found as Table)[part];
	}
	if (found === undefined || typeof found === "string" || isPlural(found)) return found;
	return undefined;
}

function pick(message: string | Plural, values: Values | undefined, language: string): string {
	if (typeof message === "string") return message;
	const count = Number(values?.count ?? 0);
	const rule = new Intl.PluralRules(language).select(count);
	return message[rule] ?? message.other;
}

function fill(message: string, values: Values | undefined, language: string): string {
	if (!values) return message;
	return message.replace(/\{(\w+)\}/g, (whole, name: string) => {
		const value = values[name];
		if (value === undefined) return whole;
		return typeof value === "number" ? value.toLocaleString(language) : value;
	});
}

function say(key: string, values?: Values): string | undefined {
	const translated = find(chosen, key);
	if (translated !== undefined) return fill(pick(translated, values, locale), values, locale);
	const message = find(english, key);
	return message === undefined ? undefined : fill(pick(message, values, "en"), values, locale);
}

/** The message of a key, with {name} filled from values and plurals chosen by values.count. */
export function t(key: string, values?: Values): string {
	return say(key, values) ?? key;
}

/** The message of a key that may not exist: the first that does, else the fallback. */
export function tOr(fallback: string, ...keys: string[]): string {
	for (const key of keys) {
		const message = say(key);
		if (message !== undefined) return message;
	}
	return fallback;
}
