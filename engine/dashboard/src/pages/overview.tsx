// Live figures: what the engine does right now.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useShared } from "../context.ts";
import type { Figures } from "../engine/api.ts";
import { Refused } from "../engine/http.ts";
import { add, ROOM } from "../figures/history.ts";
import type { Sample } from "../figures/rates.ts";
import type { InNamespace } from "../pages.ts";
import { usePoll } from "../parts/poll.ts";
import { Spark } from "../parts/spark.tsx";
import { Loading, Unread } from "../parts/trouble.tsx";
import { href } from "../route.ts";
import { amount, bytes, many, milliseconds, span } from "../words.ts";

const INTERVAL = 2000;

const WITHHELD =
	"Live figures are of the whole engine, for the admin alone. What this token sees of its namespace is on the other pages: actors, envoys, pools and tokens.";

export function OverviewPage({ namespace }: InNamespace) {
	const { engine } = useShared();
	const [isWithheld, setWithheld] = useState(false);
	const read = async (signal: AbortSignal) => {
		const figures = await engine.figures(namespace, signal);
		return { figures, samples: add(figures) };
	};
	const { data, error, reload } = usePoll([namespace], read, isWithheld ? undefined : INTERVAL);
	// What a token may not read it may not read two seconds later.
	useEffect(() => setWithheld(error instanceof Refused && error.isNotPermitted), [error]);

	return (
		<>
			<header class="page-head">
				<div>
					<h1>Overview</h1>
					<p class="muted">
						{data === undefined ? "Live figures of the engine" : `The engine runs for ${span(data.figures.uptime_ms)}. Figures of the last three minutes.`}
					</p>
				</div>
			</header>
			{error !== undefined && <Unread error={error} words={WITHHELD} onRetry={reload} />}
			{data === undefined ? (
				error === undefined && <Loading rows={8} />
			) : (
				<>
					<ByState namespace={namespace} actors={data.figures.actors} />
					<h2>The engine, all namespaces together</h2>
					<Tiles figures={data.figures} samples={data.samples} />
				</>
			)}
		</>
	);
}

const STATES = ["running", "starting", "stopping", "pending", "sleeping"];

function ByState({ namespace, actors: { by_state, more } }: { namespace: string; actors: Figures["actors"] }) {
	const total = STATES.reduce((sum, state) => sum + (by_state[state] ?? 0), 0);
	return (
		<section class="panel" aria-label="Actors by state">
			<div class="panel-head">
				<h2>
					<a href={href(namespace, "actors")}>Actors of {namespace}</a>
				</h2>
				<strong class="number">
					{total.toLocaleString("en")}
					{more && "+"}
				</strong>
			</div>
			<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
				{parts(by_state, total).map(({ state, from, width }) => (
					<rect key={state} class={`bar-${state}`} x={from} y={0} width={width} height={10} />
				))}
			</svg>
			<ul class="legend">
				{STATES.map((state) => (
					<li key={state}>
						<span class={`dot bar-${state}`} />
						{state} <strong>{(by_state[state] ?? 0).toLocaleString("en")}</strong>
					</li>
				))}
			</ul>
		</section>
	);
}

/** The pieces of the bar, in thousandths. */
function parts(counts: Record<string, number>, total: number) {
	let from = 0;
	return STATES.flatMap((state) => {
		const width = total === 0 ? 0 : ((counts[state] ?? 0) / total) * 1000;
		const part = { state, from, width };
		from += width;
		return width === 0 ? [] : [part];
	});
}

function Tiles({ figures, samples }: { figures: Figures; samples: Sample[] }) {
	const now = samples.at(-1);
	const line = (of: (sample: Sample) => number | undefined) => <Spark values={samples.map(of)} room={ROOM} />;
	const rate = (value: number | undefined) => (value === undefined ? "–" : `${amount(value)}/s`);
	return (
		<div class="tiles">
			<Tile label="Requests to actors" value={rate(now?.actorRate)} aside={failures(now)}>
				{line((sample) => sample.actorRate)}
			</Tile>
			<Tile label="Answer time of actors" value={milliseconds(now?.actorHalf)} aside={within("99 of 100 within", now?.actorMost)}>
				{line((sample) => sample.actorHalf)}
			</Tile>
			<Tile label="Requests to the API" value={rate(now?.apiRate)} aside={`${figures.refusals.toLocaleString("en")} refused for their token`}>
				{line((sample) => sample.apiRate)}
			</Tile>
			<Tile label="Answer time of the API" value={milliseconds(now?.apiHalf)} aside="for half of the requests">
				{line((sample) => sample.apiHalf)}
			</Tile>
			<Tile label="Commits" value={rate(now?.commitRate)} aside={within("on disk within", now?.writeHalf)}>
				{line((sample) => sample.commitRate)}
			</Tile>
			<Tile label="Envoys" value={amount(figures.envoys)} aside={many(figures.connections, "connection")} />
			<Tile label="Sockets to actors" value={amount(figures.sockets)} aside={`${amount(figures.hibernating_sockets)} of sleeping actors`} />
			<Tile label="Storage" value={bytes(figures.storage_bytes)} aside="files and buffers of the store" />
		</div>
	);
}

const within = (words: string, time: number | undefined) => (time === undefined ? "none lately" : `${words} ${milliseconds(time)}`);

const failures = (sample: Sample | undefined) =>
	sample === undefined || sample.failureRate === 0 ? "none failed" : `${amount(sample.failureRate)}/s failed`;

interface TileProps {
	label: string;
	value: string;
	aside: string;
	children?: ComponentChildren;
}

const Tile = ({ label, value, aside, children }: TileProps) => (
	<section class="panel tile" aria-label={label}>
		<h3>{label}</h3>
		<p class="number">{value}</p>
		<p class="muted">{aside}</p>
		{children}
	</section>
);
