// One actor: its life, what it keeps, and what can be done with it.
import { useMemo, useState } from "preact/hooks";
import { lifeOf, type LifeState } from "../actor/life.ts";
import { useShared } from "../context.ts";
import type { Actor, Placement } from "../engine/api.ts";
import { Refused } from "../engine/http.ts";
import { Inspector } from "../engine/inspector.ts";
import { Dialog } from "../parts/dialog.tsx";
import { usePoll } from "../parts/poll.ts";
import { CopyId, Key, State } from "../parts/small.tsx";
import { Empty, Loading, Trouble } from "../parts/trouble.tsx";
import { href } from "../route.ts";
import { findTab, TABS } from "./actor/tabs.ts";

const INTERVAL = 2000;

interface Props {
	namespace: string;
	actorId: string;
	tab: string;
}

export function ActorPage({ namespace, actorId, tab }: Props) {
	const { engine } = useShared();
	const read = async (signal: AbortSignal) => {
		const [{ actors }, placement] = await Promise.all([
			engine.actors(namespace, { actor_id: actorId }, signal),
			engine.placement(namespace, actorId, signal),
		]);
		const actor = actors[0];
		// The two were asked for at once, and one of them knew it.
		if (actor === undefined) throw new Refused(400, "actor.not_found", "The actor does not exist.", undefined, undefined);
		return { actor, placement };
	};
	const { data, error, reload } = usePoll([namespace, actorId], read, INTERVAL);
	if (data === undefined) {
		return error === undefined ? <Loading rows={8} /> : <Trouble error={error} onRetry={reload} />;
	}
	return (
		<>
			<Head namespace={namespace} actor={data.actor} onChanged={reload} />
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			<Tabs namespace={namespace} actorId={actorId} chosen={tab} />
			<Shown namespace={namespace} tab={tab} actor={data.actor} placement={data.placement} onChanged={reload} />
		</>
	);
}

function Head({ namespace, actor, onChanged }: { namespace: string; actor: Actor; onChanged: () => void }) {
	const { engine, tell } = useShared();
	const [asked, setAsked] = useState<"destroy" | "move">();
	const life = lifeOf(actor);
	const called = actor.key === null ? `${actor.name} ${actor.actor_id.slice(0, 8)}` : `${actor.name} ${actor.key}`;

	const sleep = async () => {
		await engine.sleepActor(namespace, actor.actor_id);
		tell(`Asked ${called} to sleep.`);
		onChanged();
	};
	const destroy = async () => {
		await engine.destroyActor(namespace, actor.actor_id);
		tell(`Destroyed ${called}.`);
		onChanged();
	};
	const move = async () => {
		await engine.moveActor(namespace, actor.actor_id);
		tell(`Asked ${called} to move.`);
		onChanged();
	};

	return (
		<header class="page-head">
			<div>
				<p class="crumb">
					<a href={href(namespace, "actors")}>Actors</a> / {actor.name}
				</p>
				<h1>
					{actor.name} <Key of={actor.key} /> <State of={life} />
				</h1>
				<CopyId id={actor.actor_id} what="the id of the actor" />
			</div>
			{life !== "destroyed" && (
				<div class="actions">
					{isAsleep(life) && <Wake actor={actor} onWoken={onChanged} />}
					{life === "running" && <Act words="Sleep" onClick={sleep} />}
					{life === "running" && (
						<button type="button" onClick={() => setAsked("move")}>
							Move
						</button>
					)}
					<button type="button" class="danger-quiet" onClick={() => setAsked("destroy")}>
						Destroy
					</button>
				</div>
			)}
			{asked === "destroy" && (
				<Dialog title={`Destroy ${called}?`} action={`Destroy ${called}`} isDangerous onSubmit={destroy} onClose={() => setAsked(undefined)}>
					<p>Its state, its database and its entries go for good. Its key becomes free. There is no way back but a backup.</p>
				</Dialog>
			)}
			{asked === "move" && (
				<Dialog title={`Move ${called}?`} action={`Move ${called}`} onSubmit={move} onClose={() => setAsked(undefined)}>
					<p>It stops on its envoy, keeping what it has, and starts on one that has room: a new generation. Requests wait meanwhile.</p>
				</Dialog>
			)}
		</header>
	);
}

export const isAsleep = (life: LifeState) => life === "sleeping" || life === "crashed";

/** A button whose work can fail, which it says in its place. */
function Act({ words, onClick }: { words: string; onClick: () => Promise<void> }) {
	const { tell } = useShared();
	const [isBusy, setBusy] = useState(false);
	const act = async () => {
		setBusy(true);
		try {
			await onClick();
		} catch (error) {
			tell((error as Error).message);
		} finally {
			setBusy(false);
		}
	};
	return (
		<button type="button" disabled={isBusy} onClick={act}>
			{words}
		</button>
	);
}

export function Wake({ actor, onWoken }: { actor: Actor; onWoken: () => void }) {
	const { engine } = useShared();
	const wake = async () => {
		await engine.wakeActor(actor.actor_id);
		onWoken();
	};
	return <Act words="Wake" onClick={wake} />;
}

const Tabs = ({ namespace, actorId, chosen }: { namespace: string; actorId: string; chosen: string }) => (
	<nav class="tabs" aria-label="Parts of the actor">
		{TABS.map(({ path, title }) => (
			<a key={path} href={href(namespace, "actors", actorId, path)} aria-current={path === chosen ? "page" : undefined}>
				{title}
			</a>
		))}
	</nav>
);

interface ShownProps {
	namespace: string;
	tab: string;
	actor: Actor;
	placement: Placement;
	onChanged: () => void;
}

function Shown({ namespace, tab, actor, placement, onChanged }: ShownProps) {
	const { engine } = useShared();
	const inspector = useMemo(() => new Inspector(engine, namespace, actor.actor_id), [engine, namespace, actor.actor_id]);
	const found = findTab(tab);
	const life = lifeOf(actor);

	if (found === undefined) return <Empty title="There is no such part." />;
	if ("View" in found) return <found.View namespace={namespace} actor={actor} placement={placement} />;
	if (life === "destroyed") return <Empty title="The actor is destroyed">Nothing of what it kept is left.</Empty>;
	if (life !== "running") {
		return (
			<Empty title={isAsleep(life) ? "The actor sleeps" : "The actor does not run yet"}>
				<p>{isAsleep(life) ? "What is shown here comes from the actor itself, so that it has to be awake." : "This part comes as soon as it runs."}</p>
				{isAsleep(life) && <Wake actor={actor} onWoken={onChanged} />}
			</Empty>
		);
	}
	// A new generation may have moved to another version of the app.
	return <found.Inside key={`${tab} ${placement.generation}`} inspector={inspector} />;
}
