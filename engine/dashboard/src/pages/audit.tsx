// The audit log: who changed what, newest first.
import { useEffect, useState } from "preact/hooks";
import { useShared } from "../context.ts";
import { type AuditEntry, auditLog } from "../engine/audit.ts";
import { Icon } from "../parts/icon.tsx";
import { CopyId, Tag } from "../parts/small.tsx";
import { Table } from "../parts/table.tsx";
import { Empty, Loading, Unread } from "../parts/trouble.tsx";
import { exact, many } from "../words.ts";
import { fits, whoOf } from "./audit/entry.ts";

/** How many entries are read at a time. */
const READ = 100;

const WITHHELD = "The audit log is about the whole engine. Sign in with an admin token to read it.";

export function AuditPage() {
	const { log, error, isLoading, restart, more } = useLog();
	const [text, setText] = useState("");
	return (
		<>
			<header class="page-head">
				<div>
					<h1>Audit log</h1>
					<p class="muted">Calls of the API that create, change or delete something, and refused attempts at it. Of the whole engine, newest first.</p>
				</div>
				{log !== undefined && (
					<button type="button" disabled={isLoading} onClick={restart}>
						<Icon name="refresh" />
						Read again
					</button>
				)}
			</header>
			{log !== undefined && <Filter text={text} onChange={setText} />}
			{error !== undefined && <Unread error={error} words={WITHHELD} onRetry={restart} />}
			{log === undefined ? (
				error === undefined && <Loading rows={8} />
			) : (
				<List entries={log.entries.filter((entry) => fits(entry, text))} read={log.entries.length} isEnded={log.cursor === null} />
			)}
			{log !== undefined && log.cursor !== null && (
				<button type="button" disabled={isLoading} onClick={more}>
					More
				</button>
			)}
		</>
	);
}

interface Log {
	entries: AuditEntry[];
	/** Where older ones begin; `null`: there are none. */
	cursor: string | null;
}

/** What was read of the log. It grows with `more`, and begins anew with `restart`. */
function useLog() {
	const { engine } = useShared();
	const [log, setLog] = useState<Log>();
	const [error, setError] = useState<Error>();
	const [isLoading, setLoading] = useState(true);

	const read = async (before: Log | undefined) => {
		setLoading(true);
		try {
			const { entries, pagination } = await auditLog(engine, READ, before?.cursor ?? undefined);
			setLog({ entries: [...(before?.entries ?? []), ...entries], cursor: pagination.cursor });
			setError(undefined);
		} catch (error) {
			setError(error as Error);
		} finally {
			setLoading(false);
		}
	};
	const restart = () => void read(undefined);
	useEffect(restart, []);
	return { log, error, isLoading, restart, more: () => void read(log) };
}

const Filter = ({ text, onChange }: { text: string; onChange: (text: string) => void }) => (
	<div class="search search-alone" role="search">
		<Icon name="search" />
		<input
			type="search"
			aria-label="Filter what is read"
			placeholder="Filter what is read"
			spellcheck={false}
			value={text}
			onInput={(event) => onChange(event.currentTarget.value)}
			onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
		/>
		<kbd>/</kbd>
	</div>
);

function List({ entries, read, isEnded }: { entries: AuditEntry[]; read: number; isEnded: boolean }) {
	if (read === 0) {
		return (
			<Empty title="Nothing is written down yet">
				<p>The first call that changes something will be here.</p>
			</Empty>
		);
	}
	const count = `${many(entries.length, "entry", "entries")} of ${read.toLocaleString("en")} read${isEnded ? "" : "; there are older ones"}`;
	return (
		<>
			{entries.length > 0 && (
				<Table label="Entries" columns={["When", "Who", "What", "From", "Result"]}>
					{entries.map((entry) => (
						<Row key={entry.number} entry={entry} />
					))}
				</Table>
			)}
			<p class="count muted" role="status">
				{count}
			</p>
		</>
	);
}

const Row = ({ entry }: { entry: AuditEntry }) => (
	<tr>
		<td>
			<time class="moment" dateTime={new Date(entry.ts).toISOString()}>{exact(entry.ts).split(" ").flatMap((part) => [<span key={part}>{part}</span>, " "])}</time>
		</td>
		<td>
			{whoOf(entry)}
			{entry.actor.token_id !== undefined && (
				<div>
					<CopyId id={entry.actor.token_id} what="the id of the token that asked" short />
				</div>
			)}
		</td>
		<td>
			<code class="call">
				{entry.method} {entry.path}
			</code>
			<div class="muted">
				{entry.namespace !== undefined && <Tag>{entry.namespace}</Tag>}
				{entry.created !== undefined && (
					<>
						{" created "}
						<CopyId id={entry.created} what="what was created" />
					</>
				)}
			</div>
		</td>
		<td>{entry.address ?? <span class="muted">unknown</span>}</td>
		<td title={`ray id ${entry.ray_id}`}>
			<span class={entry.status < 400 ? "good" : "bad"}>{entry.status}</span>
			{entry.error !== undefined && (
				<div>
					<code>{entry.error}</code>
				</div>
			)}
		</td>
	</tr>
);
