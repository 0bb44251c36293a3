import { CloseButton } from "@mantine/core";
import { useEffect, useState } from "react";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { problemText } from "~/ui/problem";
import classes from "./Portal.module.css";

type Notice = { text: string; good: boolean };

let tell: (notice: Notice) => void = () => {};

export const notify = {
	good: (text: string) => tell({ text, good: true }),
	problem: (problem: unknown) => tell({ text: problemText(problem), good: false }),
};

/** One message at a time, at the foot of the window. */
export function NoticeArea() {
	const [notice, setNotice] = useState<Notice>();
	useEffect(() => {
		tell = setNotice;
	}, []);
	useEffect(() => {
		if (!notice) return;
		const timer = window.setTimeout(() => setNotice(undefined), notice.good ? 4_000 : 12_000);
		return () => window.clearTimeout(timer);
	}, [notice]);
	return (
		<div className={classes.notices} role={notice && !notice.good ? "alert" : "status"}>
			{notice && (
				<div className={classes.notice}>
					<ToneIcon tone={notice.good ? "good" : "danger"} size={20} />
					<span>{notice.text}</span>
					<CloseButton aria-label={t("common.close")} onClick={() => setNotice(undefined)} />
				</div>
			)}
		</div>
	);
}
