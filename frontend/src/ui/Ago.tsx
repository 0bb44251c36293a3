import { ago, dateTime } from "~/lib/format";

/** "3 min. ago", with the exact time on hover and for screen readers that ask for it. */
export function Ago({ time, none }: { time: string | null | undefined; none?: string }) {
	if (!time) return <span className="gh-soft">{none ?? "–"}</span>;
	return (
		<time dateTime={time} title={dateTime(time)} style={{ whiteSpace: "nowrap" }}>
			{ago(time)}
		</time>
	);
}
