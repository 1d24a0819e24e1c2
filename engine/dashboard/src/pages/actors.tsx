// The actors of a namespace, newest first, by name, key and state.
import { useEffect, useRef, useState } from "preact/hooks";
import { Feed } from "../actor/feed.ts";
import { LIFE_STATES, lifeOf } from "../actor/life.ts";
import { useShared } from "../context.ts";
import type { Actor, Engine } from "../engine/api.ts";
import type { InNamespace } from "../pages.ts";
import { Icon } from "../parts/icon.tsx";
import { usePoll } from "../parts/poll.ts";
import { CopyId, Key, State, Tag, Time } from "../parts/small.tsx";
import { Table } from "../parts/table.tsx";
import { Empty, Loading, Trouble } from "../parts/trouble.tsx";
import { filtered, href } from "../route.ts";
import { many } from "../words.ts";

const INTERVAL = 5000;

/** How many actors are shown at first and added at a time, and how many are looked at for them. */
const SHOWN = 50;
const LOOKED = 2000;

/** How many the engine is asked for at once, of each name. */
const READ = 100;

/** Typing that pauses for so long is a question. */
const TYPING_MS = 250;

interface Filter {
	name: string;
	text: string;
	state: string;
}

export function ActorsPage({ namespace, filter }: InNamespace) {
	const { engine } = useShared();
	const wanted: Filter = { name: filter["name"] ?? "", text: filter["q"] ?? "", state: filter["state"] ?? "" };
	const [shown, setShown] = useState(SHOWN);
	const { data: names } = usePoll(["names", namespace], (signal) => engine.actorNames(namespace, signal), INTERVAL);
	const { data, error, isLoading, reload } = usePoll(
		[namespace, wanted, shown],
		(signal) => find(engine, namespace, wanted, shown, signal),
		INTERVAL,
	);
	const list = useLast(data, [namespace, wanted]);

	const change = (part: Partial<Filter>) => {
		const { name, text, state } = { ...wanted, ...part };
		setShown(SHOWN);
		location.replace(filtered(namespace, "actors", { name, q: text, state }));
	};

	return (
		<>
			<header class="page-head">
				<div>
					<h1>Actors</h1>
					<p class="muted">Newest first. Destroyed ones are there when you ask for them.</p>
				</div>
			</header>
			<Filters filter={wanted} names={Object.keys(names?.names ?? {})} onChange={change} />
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			{list === undefined ? (
				error === undefined && <Loading rows={8} />
			) : (
				<List namespace={namespace} list={list} isFiltered={wanted.name + wanted.text + wanted.state !== ""} />
			)}
			{list !== undefined && !list.isEnded && (
				<button type="button" disabled={isLoading} onClick={() => setShown(shown + SHOWN)}>
					{list.actors.length < shown ? "Look further" : "Show more"}
				</button>
			)}
		</>
	);
}

/** The last list that was there for a question, so that asking for more of it takes none away. */
function useLast(data: Found | undefined, question: unknown): Found | undefined {
	const key = JSON.stringify(question);
	const last = useRef<{ key: string; found: Found }>();
	if (data !== undefined) last.current = { key, found: data };
	return last.current?.key === key ? last.current.found : undefined;
}

interface Found {
	actors: Actor[];
	isEnded: boolean;
	/** How many were looked at. */
	looked: number;
}

/** Up to `shown` actors that fit the filter. One whose id or whole key is given is found among any number. */
async function find(engine: Engine, namespace: string, filter: Filter, shown: number, signal: AbortSignal): Promise<Found> {
	const { name, text, state } = filter;
	const all = name === "" ? Object.keys((await engine.actorNames(namespace, signal)).names) : [name];
	const include_destroyed = state === "destroyed";
	const feed = new Feed(all, async (name, cursor) => {
		const query = { name, include_destroyed, limit: READ, cursor };
		const { actors, pagination } = await engine.actors(namespace, query, signal);
		return { actors, cursor: pagination.cursor ?? undefined };
	});
	const fits = (actor: Actor) =>
		(state === "" || lifeOf(actor) === state) && (text === "" || actor.actor_id.startsWith(text) || (actor.key ?? "").includes(text));
	const [exactly, { actors, isEnded }] = await Promise.all([
		text === "" ? [] : exact(engine, namespace, all, text, signal),
		feed.next(shown, fits, Math.max(LOOKED, shown * 4)),
	]);
	const ids = new Set(exactly.map(({ actor_id }) => actor_id));
	const first = exactly.filter(fits);
	return { actors: [...first, ...actors.filter(({ actor_id }) => !ids.has(actor_id))], isEnded, looked: feed.looked };
}

const ACTOR_ID = /^[a-z0-9]{30}$/;

/** The actors that have `text` as their id or whole key. */
async function exact(engine: Engine, namespace: string, names: string[], text: string, signal: AbortSignal): Promise<Actor[]> {
	const questions = ACTOR_ID.test(text) ? [{ actor_id: text }] : names.map((name) => ({ name, key: text }));
	const answers = await Promise.all(questions.map((query) => engine.actors(namespace, query, signal)));
	return answers.flatMap(({ actors }) => actors);
}

interface FiltersProps {
	filter: Filter;
	names: string[];
	onChange: (part: Partial<Filter>) => void;
}

function Filters({ filter, names, onChange }: FiltersProps) {
	const [text, setText] = useState(filter.text);
	useEffect(() => {
		if (text === filter.text) return;
		const timer = setTimeout(() => onChange({ text }), TYPING_MS);
		return () => clearTimeout(timer);
	}, [text]);

	const shownNames = filter.name === "" || names.includes(filter.name) ? names : [filter.name, ...names];
	return (
		<div class="filters" role="search">
			<div class="search">
				<Icon name="search" />
				<input
					type="search"
					aria-label="Key or id"
					placeholder="Key or id"
					spellcheck={false}
					value={text}
					onInput={(event) => setText(event.currentTarget.value.trim())}
					onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
				/>
				<kbd>/</kbd>
			</div>
			<select aria-label="Name" value={filter.name} onChange={(event) => onChange({ name: event.currentTarget.value })}>
				<option value="">Any name</option>
				{shownNames.map((name) => (
					<option key={name} value={name}>
						{name}
					</option>
				))}
			</select>
			<select aria-label="State" value={filter.state} onChange={(event) => onChange({ state: event.currentTarget.value })}>
				<option value="">Any state</option>
				{LIFE_STATES.map((state) => (
					<option key={state} value={state}>
						{state}
					</option>
				))}
			</select>
		</div>
	);
}

function List({ namespace, list, isFiltered }: { namespace: string; list: Found; isFiltered: boolean }) {
	if (list.actors.length === 0) {
		return isFiltered ? (
			<Empty title="No actor fits">
				<p>{many(list.looked, "actor")} looked at. A whole key or a whole id finds its actor among any number.</p>
				<a href={href(namespace, "actors")}>Show all</a>
			</Empty>
		) : (
			<Empty title="No actors yet">
				<p>An actor is there from the first time that a client asks for it.</p>
			</Empty>
		);
	}
	return (
		<>
			<Table
				label="Actors"
				columns={["Name and key", "State", { label: "Pool", kind: "wide" }, { label: "Id", kind: "wide" }, "Created"]}
			>
				{list.actors.map((actor) => (
					<Row key={actor.actor_id} namespace={namespace} actor={actor} />
				))}
			</Table>
			<p class="count muted">
				{many(list.actors.length, "actor")}
				{!list.isEnded && ", and more"}
			</p>
		</>
	);
}

function Row({ namespace, actor }: { namespace: string; actor: Actor }) {
	const to = href(namespace, "actors", actor.actor_id);
	const onClick = (event: MouseEvent) => {
		const isOwn = event.target instanceof Element && event.target.closest("a, button, code") !== null;
		if (!isOwn && getSelection()?.isCollapsed !== false) location.hash = to;
	};
	return (
		<tr class="leads" onClick={onClick}>
			<td>
				<a href={to}>
					{actor.name} <Key of={actor.key} />
				</a>
			</td>
			<td>
				<State of={lifeOf(actor)} />
			</td>
			<td class="wide">
				<Tag>{actor.runner_name_selector}</Tag>
			</td>
			<td class="wide">
				<CopyId id={actor.actor_id} what="the id of the actor" short />
			</td>
			<td>
				<Time ts={actor.create_ts} />
			</td>
		</tr>
	);
}
