import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowRight, IconPlus } from "@tabler/icons-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { t } from "~/text/text";
import classes from "./Palette.module.css";
import { actions, pages } from "./places";
import { go } from "./To";
import { useFound } from "./useFound";

export type Entry = { to: string; label: string; note?: string; icon: ReactNode };
type Section = { title: string; entries: Entry[] };

let open: () => void = () => {};

export const openPalette = () => open();

/** The command palette stands once in the page; Ctrl or Cmd and K open it. */
export function Palette() {
	const [shown, setShown] = useState(false);
	useEffect(() => {
		open = () => setShown(true);
		const onKey = (event: globalThis.KeyboardEvent) => {
			if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key.toLowerCase() !== "k") return;
			event.preventDefault();
			setShown((now) => !now);
		};
		document.addEventListener("keydown", onKey);
		return () => document.removeEventListener("keydown", onKey);
	}, []);
	return shown ? <Open onClose={() => setShown(false)} /> : null;
}

function useSections(text: string): Section[] {
	const [settled] = useDebouncedValue(text.trim(), 200);
	const found = useFound(settled);
	const words = text.trim().toLowerCase();
	const fitting = (all: { to: string; label: string }[], icon: ReactNode): Entry[] =>
		all.filter(({ label }) => label.toLowerCase().includes(words)).map((place) => ({ ...place, icon }));
	return [
		{ title: t("palette.found"), entries: words ? found : [] },
		{ title: t("palette.actions"), entries: fitting(actions(), <IconPlus size={16} />) },
		{ title: t("palette.pages"), entries: fitting(pages(), <IconArrowRight size={16} />) },
	].filter((section) => section.entries.length > 0);
}

/** Pages, actions, and what the server finds: typed for, chosen with the arrows and Enter. */
function Open({ onClose }: { onClose: () => void }) {
	const [text, setText] = useState("");
	const [chosen, setChosen] = useState(0);
	const box = useRef<HTMLDialogElement>(null);
	const id = useId();
	const sections = useSections(text);
	const entries = sections.flatMap((section) => section.entries);
	const at = Math.min(chosen, entries.length - 1);
	const optionId = (index: number) => `${id}-${index}`;

	useEffect(() => {
		if (box.current && !box.current.open) box.current.showModal();
	}, []);
	const current = optionId(at);
	useEffect(() => {
		document.getElementById(current)?.scrollIntoView({ block: "nearest" });
	}, [current]);

	function follow(entry: Entry | undefined) {
		if (!entry) return;
		onClose();
		go(entry.to);
	}

	function onKey(event: KeyboardEvent) {
		if (event.nativeEvent.isComposing) return;
		const last = entries.length - 1;
		const to = {
			ArrowDown: at < last ? at + 1 : 0,
			ArrowUp: at > 0 ? at - 1 : last,
			PageDown: Math.min(at + 8, last),
			PageUp: Math.max(at - 8, 0),
		}[event.key];
		if (to !== undefined) setChosen(to);
		else if (event.key === "Enter") follow(entries[at]);
		else return;
		event.preventDefault();
	}

	return (
		<dialog ref={box} className={classes.palette} aria-label={t("palette.label")} onCancel={onClose} onClose={onClose} closedby="any">
			<input
				className={classes.search}
				type="text"
				role="combobox"
				aria-expanded={entries.length > 0}
				aria-controls={`${id}-list`}
				aria-activedescendant={entries.length > 0 ? current : undefined}
				aria-autocomplete="list"
				aria-label={t("palette.label")}
				placeholder={t("palette.label")}
				autoComplete="off"
				spellCheck={false}
				value={text}
				onChange={(event) => {
					setText(event.currentTarget.value);
					setChosen(0);
				}}
				onKeyDown={onKey}
			/>
			{entries.length === 0 && (
				<p className={classes.nothing} role="status">
					{t("palette.nothing")}
				</p>
			)}
			<div id={`${id}-list`} role="listbox" aria-label={t("palette.label")} className={classes.list} tabIndex={-1}>
				{sections.map((section) => (
					// biome-ignore lint/a11y/useSemanticElements: a group of options has no element of its own
					<div key={section.title} role="group" aria-label={section.title}>
						<div className={classes.title} aria-hidden="true">
							{section.title}
						</div>
						{section.entries.map((entry) => {
							const index = entries.indexOf(entry);
							return (
								// biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the input keeps the focus and its keys choose
								<div
									key={entry.to}
									id={optionId(index)}
									role="option"
									aria-selected={index === at}
									className={classes.entry}
									onClick={() => follow(entry)}
									onMouseMove={() => setChosen(index)}
								>
									<span className={classes.icon} aria-hidden="true">
										{entry.icon}
									</span>
									<span className={classes.words}>
										{entry.label}
										{entry.note && <span className={classes.note}>{entry.note}</span>}
									</span>
								</div>
							);
						})}
					</div>
				))}
			</div>
		</dialog>
	);
}
