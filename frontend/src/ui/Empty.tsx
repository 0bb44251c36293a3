import { Button } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { t } from "~/text/text";
import { ToneIcon } from "./Chip";
import classes from "./Empty.module.css";
import { problemText } from "./problem";

type Props = { icon?: ReactNode; title: string; text?: string; children?: ReactNode };

/** What a thing is for, where there is none yet, and the first step. */
export function Empty({ icon, title, text, children }: Props) {
	return (
		<div className={classes.box}>
			{icon && <div className={classes.icon}>{icon}</div>}
			<p className={classes.title}>{title}</p>
			{text && <p className={classes.text}>{text}</p>}
			{children && <div className={classes.actions}>{children}</div>}
		</div>
	);
}

export function Problem({ error, again }: { error: unknown; again?: () => void }) {
	return (
		<div role="alert">
			<Empty icon={<ToneIcon tone="danger" size={28} />} title={t("common.problem.title")} text={problemText(error)}>
				{again && (
					<Button variant="default" leftSection={<IconRefresh size={16} />} onClick={again}>
						{t("common.problem.again")}
					</Button>
				)}
			</Empty>
		</div>
	);
}
