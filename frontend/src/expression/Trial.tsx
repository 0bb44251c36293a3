import { Alert, Button, Collapse, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type KeyboardEvent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { useMe } from "~/admin/frame/session";
import { personField } from "~/forms/personField";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { problemText } from "~/ui/problem";
import classes from "./Expression.module.css";
import { Headline, Rest } from "./Outcome";
import { type Outcome, readContext } from "./ran";

const CodeInput = lazy(() => import("~/forms/CodeInput"));

/** As whom, and with what a flow would bring along. */
export type Asked = { user: number | null; context: Record<string, unknown> };

type Props = {
	/** What the ids of the inputs start with. */
	id: string;
	run: (asked: Asked) => Promise<Outcome>;
	/** It can't be run without a user. */
	needsUser?: boolean;
	/** A dialog that opens gives its focus to the button. */
	first?: boolean;
	/** What is run, where it can change under the outcome. */
	text?: string;
	/** Leads to a line of the text. */
	onLine?: (line: number) => void;
};

/** Enter in the picker chooses; it never saves the form around it. */
function keepEnter(event: KeyboardEvent) {
	if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
}

/** Runs something as a user and shows what comes of it. */
export function Trial({ id, run, needsUser = false, first = false, text, onLine }: Props) {
	const { me } = useMe();
	const [user, setUser] = useState<string | number | null | undefined>(undefined);
	const chosen = user === undefined ? (me?.pk ?? null) : user;
	const [context, setContext] = useState("");
	const [wrong, setWrong] = useState(false);
	const [unfolded, setUnfolded] = useState(false);
	const trial = useMutation({ mutationFn: async (asked: Asked) => ({ outcome: await run(asked), text }) });
	const field = personField(t("expression.user"), needsUser);
	const { data, error } = trial;

	const end = useRef<HTMLDivElement>(null);
	useEffect(() => {
		if (data || error) end.current?.scrollIntoView({ block: "nearest" });
	}, [data, error]);

	function start() {
		const read = readContext(context);
		setWrong(read === undefined);
		if (read) trial.mutate({ user: chosen === null ? null : Number(chosen), context: read });
		else requestAnimationFrame(() => document.getElementById(`${id}-context`)?.focus());
	}

	return (
		// biome-ignore lint/a11y/noStaticElementInteractions: keeps a key from the form around it, nothing more
		<div onKeyDown={keepEnter}>
			<div className={classes.asked}>
				<ReferenceInput id={`${id}-user`} label={field.label} required={needsUser} field={field} value={chosen} onChange={setUser} />
				<Button
					ref={(button) => {
						button?.toggleAttribute("autofocus", first);
					}}
					variant="default"
					leftSection={<IconPlayerPlay size={16} />}
					disabled={needsUser && chosen === null}
					loading={trial.isPending}
					onClick={start}
				>
					{t(chosen === null && !needsUser ? "expression.runNobody" : "expression.run")}
				</Button>
			</div>
			<UnstyledButton className={classes.fold} aria-expanded={unfolded || wrong} onClick={() => setUnfolded(!unfolded)}>
				{unfolded || wrong ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
				{t("expression.context")}
			</UnstyledButton>
			<Collapse expanded={unfolded || wrong}>
				{(unfolded || wrong) && (
					<Suspense>
						<CodeInput
							id={`${id}-context`}
							label={t("expression.context")}
							description={t("expression.contextHelp")}
							error={wrong ? t("expression.contextWrong") : undefined}
							required={false}
							value={context}
							mode="json"
							onChange={(next) => {
								setContext(next);
								setWrong(false);
							}}
						/>
					</Suspense>
				)}
			</Collapse>
			<div ref={end} className={classes.end}>
				<div role="status">
					{!trial.isPending && error && (
						<Alert variant="default" icon={<ToneIcon tone="danger" size={18} />} title={t("common.problem.title")}>
							{problemText(error)}
						</Alert>
					)}
					{!trial.isPending && data && <Headline outcome={data.outcome} changed={data.text !== text} onLine={onLine} />}
				</div>
				{!trial.isPending && data && <Rest outcome={data.outcome} />}
			</div>
		</div>
	);
}
