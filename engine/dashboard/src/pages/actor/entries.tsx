// The key-value entries of an actor, which the engine keeps: they are there while it sleeps, too.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import type { KvEntry } from "../../engine/api.ts";
import { Icon } from "../../parts/icon.tsx";
import { usePoll } from "../../parts/poll.ts";
import { Time } from "../../parts/small.tsx";
import { Table } from "../../parts/table.tsx";
import { Empty, Loading, Trouble } from "../../parts/trouble.tsx";
import { bytes, many, readable } from "../../words.ts";
import type { OfActor } from "./tabs.ts";

export function EntriesTab({ namespace, actor }: OfActor) {
	const { engine } = useShared();
	const [pages, setPages] = useState(1);
	const read = async () => {
		const entries: KvEntry[] = [];
		let cursor: string | undefined;
		for (let page = 0; page < pages; page += 1) {
			const answer = await engine.kvEntries(namespace, actor.actor_id, cursor);
			entries.push(...answer.entries);
			cursor = answer.pagination.cursor ?? undefined;
			if (cursor === undefined) break;
		}
		return { entries, hasMore: cursor !== undefined };
	};
	const { data, error, reload } = usePoll([actor.actor_id, pages], read);
	return (
		<section class="panel" aria-label="Entries">
			<div class="panel-head">
				<h2>Entries</h2>
				<button type="button" class="bare" aria-label="Read again" title="Read again" onClick={reload}>
					<Icon name="refresh" />
				</button>
			</div>
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading /> : <List namespace={namespace} actorId={actor.actor_id} entries={data.entries} />}
			{data?.hasMore === true && (
				<button type="button" onClick={() => setPages(pages + 1)}>
					Show more
				</button>
			)}
		</section>
	);
}

function List({ namespace, actorId, entries }: { namespace: string; actorId: string; entries: KvEntry[] }) {
	if (entries.length === 0) {
		return (
			<Empty title="No entries">
				<p>rivetkit keeps most of what an actor has in its database.</p>
			</Empty>
		);
	}
	return (
		<>
			<Table label="Keys and values" columns={["Key", { label: "Size", kind: "end" }, "Written", "Value"]}>
				{entries.map((entry) => (
					<tr key={entry.key}>
						<td>
							<Bytes base64={entry.key} />
						</td>
						<td class="end">{bytes(entry.size)}</td>
						<td>
							<Time ts={entry.update_ts} />
						</td>
						<td>
							<Value namespace={namespace} actorId={actorId} entry={entry} />
						</td>
					</tr>
				))}
			</Table>
			<p class="count muted">{many(entries.length, "entry", "entries")}</p>
		</>
	);
}

function Bytes({ base64 }: { base64: string }) {
	const { text, isText } = readable(base64);
	return (
		<code class="bytes">
			{text}
			{!isText && <span class="muted"> hex</span>}
		</code>
	);
}

/** rivetkit's own secret opens the inspector: it is shown to nobody who looks over a shoulder. */
const SECRET_KEY = "Aw==";

function Value({ namespace, actorId, entry }: { namespace: string; actorId: string; entry: KvEntry }) {
	const { engine } = useShared();
	const [value, setValue] = useState<string>();
	const [error, setError] = useState<Error>();
	const show = async () => {
		try {
			setValue((await engine.kvValue(namespace, actorId, entry.key)).value);
		} catch (error) {
			setError(error as Error);
		}
	};
	if (entry.key === SECRET_KEY) return <span class="muted">the inspector's token</span>;
	if (error !== undefined) return <span class="bad">{error.message}</span>;
	if (value !== undefined) return <Bytes base64={value} />;
	return (
		<button type="button" onClick={show}>
			Show
		</button>
	);
}
