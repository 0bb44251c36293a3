import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { dateTime, number } from "~/lib/format";
import { currentLocale, t } from "~/text/text";
import classes from "./LineChart.module.css";

export type Line = { name: string; values: number[]; colour: string; dash?: boolean };
type Props = { title: string; times: number[]; lines: Line[] };

const HEIGHT = 200;

/** Lines over time, with the same figures as a table for whoever does not see the picture. */
export default function LineChart({ title, times, lines }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const scheme = useComputedColorScheme("light");
	const content = JSON.stringify([times, lines]);

	// biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the page, so a new scheme draws anew
	useEffect(() => {
		const element = box.current;
		if (!element) return;
		const [at, all] = JSON.parse(content) as [number[], Line[]];
		const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
		const axis = {
			stroke: colour("--gh-soft"),
			grid: { stroke: colour("--gh-line"), width: 1 },
			ticks: { show: false },
			font: "12px system-ui",
		};
		const day = new Intl.DateTimeFormat(currentLocale(), { weekday: "short", day: "numeric" });
		const chart = new uPlot(
			{
				width: element.clientWidth,
				height: HEIGHT,
				legend: { show: false },
				cursor: { y: false },
				scales: { y: { range: (_chart, _least, most) => [0, Math.max(4, Math.ceil((most ?? 0) * 1.1))] } },
				axes: [
					{
						...axis,
						space: 70,
						values: (_chart, ticks) => ticks.map((tick) => day.format(tick * 1000)),
						incrs: [86_400, 172_800, 604_800],
					},
					{ ...axis, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] },
				],
				series: [
					{},
					...all.map((line) => ({
						label: line.name,
						stroke: colour(line.colour),
						width: 2,
						dash: line.dash ? [5, 4] : undefined,
						points: { show: at.length < 30, size: 5, fill: colour(line.colour) },
					})),
				],
			},
			[at, ...all.map((line) => line.values)],
			element,
		);
		const watch = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
		watch.observe(element);
		return () => {
			watch.disconnect();
			chart.destroy();
		};
	}, [content, scheme]);

	return (
		<figure className={classes.figure} aria-label={title}>
			<div className={classes.legend}>
				{lines.map((line) => (
					<span key={line.name} className={classes.key}>
						<svg width="18" height="8" aria-hidden="true">
							<line
								x1="0"
								y1="4"
								x2="18"
								y2="4"
								stroke={`var(${line.colour})`}
								strokeWidth="2"
								strokeDasharray={line.dash ? "5 4" : undefined}
							/>
						</svg>
						{line.name}: {number(line.values.reduce((sum, value) => sum + value, 0))}
					</span>
				))}
			</div>
			<div ref={box} className={classes.box} aria-hidden="true" />
			<details className={classes.table}>
				<summary>{t("chart.table")}</summary>
				{/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it */}
				<section className={classes.scroll} tabIndex={0} aria-label={title}>
					<table>
						<thead>
							<tr>
								<th scope="col">{t("chart.time")}</th>
								{lines.map((line) => (
									<th key={line.name} scope="col">
										{line.name}
									</th>
								))}
							</tr>
						</thead>
						<tbody>
							{times.map((time, row) => (
								<tr key={time}>
									<th scope="row">{dateTime(time * 1000)}</th>
									{lines.map((line) => (
										<td key={line.name}>{number(line.values[row] ?? 0)}</td>
									))}
								</tr>
							))}
						</tbody>
					</table>
				</section>
			</details>
		</figure>
	);
}
