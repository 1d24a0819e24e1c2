// The database of an actor: its tables, their rows, and statements of one's own.
import { useState } from "preact/hooks";
import type { Inspector, Row, Table as SqlTable } from "../../engine/inspector.ts";
import { Field } from "../../parts/dialog.tsx";
import { usePoll } from "../../parts/poll.ts";
import { Table } from "../../parts/table.tsx";
import { Empty, Loading, Trouble } from "../../parts/trouble.tsx";
import { cell, many, milliseconds } from "../../words.ts";
import { Inside } from "./inside.tsx";
import type { InsideActor } from "./tabs.ts";

const PAGE = 50;

/** Tables of rivetkit begin so. */
const isOwn = ({ table }: SqlTable) => !table.name.startsWith("_rivet");

export function SqlTab({ inspector }: InsideActor) {
	const [showsAll, setShowsAll] = useState(false);
	const [chosen, setChosen] = useState<string>();
	const all = (
		<label class="check">
			<input type="checkbox" checked={showsAll} onChange={(event) => setShowsAll(event.currentTarget.checked)} />
			rivetkit's own tables
		</label>
	);
	return (
		<>
			<Inside title="Tables" what={["schema"]} read={inspector.schema} tools={all}>
				{({ schema: { tables } }) => {
					const shown = tables.filter((table) => showsAll || isOwn(table));
					const table = shown.find(({ table }) => table.name === chosen) ?? shown[0];
					if (table === undefined) {
						return (
							<Empty title="The app has no tables of its own">
								<p>State, queue and schedule of rivetkit are in its own tables.</p>
							</Empty>
						);
					}
					return (
						<>
							<div class="choices" role="group" aria-label="Tables">
								{shown.map(({ table: { name }, records }) => (
									<button key={name} type="button" aria-pressed={name === table.table.name} onClick={() => setChosen(name)}>
										{name} <span class="muted">{records.toLocaleString("en")}</span>
									</button>
								))}
							</div>
							<Rows key={table.table.name} inspector={inspector} table={table} />
						</>
					);
				}}
			</Inside>
			<Statement inspector={inspector} />
		</>
	);
}

function Rows({ inspector, table: { table, columns, records } }: { inspector: Inspector; table: SqlTable }) {
	const [offset, setOffset] = useState(0);
	// The count says that there is something new to read.
	const { data, error, reload } = usePoll([table.name, offset, records], (signal) => inspector.rows(table.name, PAGE, offset, signal));
	if (data === undefined) return error === undefined ? <Loading /> : <Trouble error={error} onRetry={reload} />;
	const names = columns.map(({ name, type, pk }) => ({ name, hint: `${type.toLowerCase()}${pk > 0 ? ", key" : ""}` }));
	return (
		<>
			<Grid label={`Rows of ${table.name}`} columns={names} rows={data.rows} />
			<div class="pager">
				<button type="button" disabled={offset === 0} onClick={() => setOffset(offset - PAGE)}>
					Back
				</button>
				<span class="muted">
					{records === 0 ? "No rows" : `${(offset + 1).toLocaleString("en")} to ${(offset + data.rows.length).toLocaleString("en")} of ${many(records, "row")}`}
				</span>
				<button type="button" disabled={offset + PAGE >= records} onClick={() => setOffset(offset + PAGE)}>
					On
				</button>
			</div>
		</>
	);
}

function Statement({ inspector }: { inspector: Inspector }) {
	const [sql, setSql] = useState("");
	const [result, setResult] = useState<{ rows: Row[]; took: number }>();
	const [error, setError] = useState<Error>();
	const [isBusy, setBusy] = useState(false);

	const run = async () => {
		if (sql.trim() === "" || isBusy) return;
		setBusy(true);
		setError(undefined);
		const started = performance.now();
		try {
			const { rows } = await inspector.sql(sql);
			setResult({ rows, took: performance.now() - started });
		} catch (error) {
			setResult(undefined);
			setError(error as Error);
		} finally {
			setBusy(false);
		}
	};
	const onKey = (event: KeyboardEvent) => {
		if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void run();
	};

	return (
		<section class="panel" aria-label="Statement">
			<h2>Statement</h2>
			<Field label="SQL" hint="It runs in the actor, and may write. Ctrl+Enter runs it.">
				<textarea rows={3} class="code" spellcheck={false} value={sql} onKeyDown={onKey} onInput={(event) => setSql(event.currentTarget.value)} />
			</Field>
			<button type="button" class="primary" disabled={isBusy || sql.trim() === ""} onClick={run}>
				{isBusy ? "Running…" : "Run"}
			</button>
			<div role="status" aria-label="Result">
				{error !== undefined && <Trouble error={error} />}
				{result !== undefined && (
					<>
						<p class="muted">
							{many(result.rows.length, "row")} after {milliseconds(result.took)}
						</p>
						{result.rows[0] !== undefined && (
							<Grid label="Result" columns={Object.keys(result.rows[0]).map((name) => ({ name }))} rows={result.rows.slice(0, 500)} />
						)}
					</>
				)}
			</div>
		</section>
	);
}

const Grid = ({ label, columns, rows }: { label: string; columns: { name: string; hint?: string }[]; rows: Row[] }) => (
	<Table label={label} columns={columns.map(({ name }) => name)}>
		{rows.map((row, index) => (
			<tr key={index}>
				{columns.map(({ name, hint }) => (
					<td key={name} title={hint}>
						<code class={row[name] === null ? "cell muted" : "cell"}>{cell(row[name])}</code>
					</td>
				))}
			</tr>
		))}
	</Table>
);
