import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { t } from "~/text/text";

type Props = { value: string; label: string; onChange: (value: string) => void };

const typing = (element: Element | null) => !!element?.closest("input, textarea, select, [contenteditable=true]");

/** The search of a list: waits for a pause in typing; the key / leads here. */
export function SearchBox({ value, label, onChange }: Props) {
	const [text, setText] = useState(value);
	const box = useRef<HTMLInputElement>(null);
	useEffect(() => setText(value), [value]);
	useEffect(() => {
		if (text === value) return;
		const timer = window.setTimeout(() => onChange(text), 250);
		return () => window.clearTimeout(timer);
	}, [text, value, onChange]);
	useEffect(() => {
		const toSearch = (event: KeyboardEvent) => {
			if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing(document.activeElement)) return;
			event.preventDefault();
			box.current?.focus();
			box.current?.select();
		};
		document.addEventListener("keydown", toSearch);
		return () => document.removeEventListener("keydown", toSearch);
	}, []);
	return (
		<TextInput
			ref={box}
			type="search"
			w={{ base: "100%", xs: 280 }}
			aria-label={label}
			placeholder={label}
			value={text}
			onChange={(event) => setText(event.currentTarget.value)}
			onKeyDown={(event) => event.key === "Escape" && setText("")}
			leftSection={<IconSearch size={16} />}
			rightSection={
				text ? <CloseButton size="sm" aria-label={t("list.clearSearch")} onClick={() => setText("")} /> : <Kbd size="xs">/</Kbd>
			}
		/>
	);
}
