import { Skeleton } from "@mantine/core";
import { useMemo } from "react";
import { useGet } from "~/api/query";
import type { FlowDiagram } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { Section } from "../../frame/Page";
import classes from "./Flow.module.css";
import { HIGH, inLines, type Layout, layOut, type Placed, WIDE } from "./layout";
import { type Graph, readMermaid } from "./mermaid";

/** The way through a flow as a picture, and in words for whoever does not see it. */
export function Diagram({ slug }: { slug: string }) {
	const { data, error, refetch } = useGet<FlowDiagram>(`/flows/instances/${encodeURIComponent(slug)}/diagram/`);
	const graph = useMemo(() => (data ? readMermaid(data.diagram) : undefined), [data]);
	const layout = useMemo(() => (graph ? layOut(graph) : undefined), [graph]);
	return (
		<Section title={t("flowPage.diagram.title")} text={t("flowPage.diagram.text")}>
			{error && !data && <Problem error={error} again={refetch} />}
			{!error && !data && <Skeleton height={320} aria-busy="true" />}
			{layout && graph && (
				<>
					<Picture layout={layout} />
					<InWords graph={graph} />
				</>
			)}
		</Section>
	);
}

function Picture({ layout }: { layout: Layout }) {
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
		<section className={classes.scroll} tabIndex={0} aria-label={t("flowPage.diagram.title")}>
			<svg
				className={classes.chart}
				width={layout.width}
				height={layout.height}
				viewBox={`0 0 ${layout.width} ${layout.height}`}
				role="img"
				aria-label={t("flowPage.diagram.label")}
			>
				<defs>
					<marker
						id="flow-arrow"
						viewBox="0 0 8 8"
						refX="1"
						refY="4"
						markerWidth="8"
						markerHeight="8"
						markerUnits="userSpaceOnUse"
						orient="auto"
					>
						<path className={classes.arrow} d="M0 0L8 4L0 8z" />
					</marker>
				</defs>
				{layout.ways.map((way) => (
					<path key={`${way.from}-${way.to}-${way.label}`} className={classes.edge} d={way.path} markerEnd="url(#flow-arrow)" />
				))}
				{layout.nodes.map((node) => (
					<Box key={node.id} node={node} />
				))}
				{layout.ways.map(
					(way) =>
						way.label && (
							<text key={`${way.from}-${way.to}-${way.label}`} className={classes.label} x={way.at.x} y={way.at.y} textAnchor={way.anchor}>
								{way.label}
							</text>
						),
				)}
			</svg>
		</section>
	);
}

const style = { stage: classes.stage, policy: classes.policy, end: classes.end, plain: "" };

function Box({ node: { x, y, shape, kind, text } }: { node: Placed }) {
	const round = { stage: HIGH / 2, policy: 0, end: 4, plain: 8 }[shape];
	const look = `${classes.node} ${style[shape]}`;
	const middle = x + WIDE / 2;
	const rows = [...(kind ? inLines(kind, 44).slice(0, 1) : []), ...inLines(text)];
	return (
		<g>
			<title>{[kind, text].filter(Boolean).join(": ")}</title>
			{shape === "policy" ? (
				<path
					className={look}
					d={`M${x + 14} ${y}H${x + WIDE - 14}L${x + WIDE} ${y + HIGH / 2}L${x + WIDE - 14} ${y + HIGH}H${x + 14}L${x} ${y + HIGH / 2}z`}
				/>
			) : (
				<rect className={look} x={x} y={y} width={WIDE} height={HIGH} rx={round} />
			)}
			{rows.map((row, index) => (
				<text
					key={row}
					className={index === 0 && kind ? classes.kind : classes.text}
					x={middle}
					y={y + HIGH / 2 + 5 + (index - (rows.length - 1) / 2) * 17}
					textAnchor="middle"
				>
					{row}
				</text>
			))}
		</g>
	);
}

function InWords({ graph: { nodes, edges } }: { graph: Graph }) {
	const name = (id: string) => nodes.find((node) => node.id === id)?.text ?? "";
	return (
		<details className={classes.inWords}>
			<summary>{t("flowPage.diagram.words")}</summary>
			<ul>
				{nodes.map((node) => (
					<li key={node.id}>
						{[node.kind, node.text].filter(Boolean).join(": ")}
						<ul>
							{edges
								.filter(({ from }) => from === node.id)
								.map(({ to, label }) => (
									<li key={to + label}>
										{label
											? t("flowPage.diagram.toWhen", { when: label, target: name(to) })
											: t("flowPage.diagram.to", { target: name(to) })}
									</li>
								))}
						</ul>
					</li>
				))}
			</ul>
		</details>
	);
}
