// The engine's data: how much there is, copies of it, and tidying it up.
import { useState } from "preact/hooks";
import { useShared } from "../context.ts";
import { type Checkpoint, checkpoints, compact, deleteCheckpoint, downloadAddress, makeCheckpoint, type Storage, storage } from "../engine/storage.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { usePoll } from "../parts/poll.ts";
import { CopyId, Fact, Facts, Time } from "../parts/small.tsx";
import { Table } from "../parts/table.tsx";
import { Empty, Loading, Trouble, Unread } from "../parts/trouble.tsx";
import { useWork } from "../parts/work.ts";
import { bytes, many } from "../words.ts";
import { Drain } from "./storage/drain.tsx";

const INTERVAL = 10_000;

const WITHHELD = "The data is that of the whole engine. Sign in with an admin token to see and to copy it.";

export function StoragePage() {
	const { engine } = useShared();
	const { data, error, reload } = usePoll(
		["storage"],
		async (signal) => {
			const [about, kept] = await Promise.all([storage(engine, signal), checkpoints(engine, signal)]);
			return { about, kept: kept.checkpoints };
		},
		INTERVAL,
	);
	return (
		<>
			<header class="page-head">
				<div>
					<h1>Storage and backup</h1>
					<p class="muted">The data of all namespaces, copies of it, and getting the engine ready to be stopped.</p>
				</div>
			</header>
			{error !== undefined && <Unread error={error} words={WITHHELD} onRetry={reload} />}
			{data === undefined ? (
				error === undefined && <Loading rows={8} />
			) : (
				<>
					<Backups kept={data.kept} reload={reload} />
					<Drain withheld={WITHHELD} />
					<Data about={data.about} reload={reload} />
				</>
			)}
		</>
	);
}

interface Reloading {
	reload: () => Promise<void>;
}

function Backups({ kept, reload }: { kept: Checkpoint[] } & Reloading) {
	const { engine, tell } = useShared();
	const { isBusy, error, work } = useWork();
	const [going, setGoing] = useState<Checkpoint>();
	const make = () =>
		work(async () => {
			await makeCheckpoint(engine);
			await reload();
			tell("Made a backup. Download it: until then it is on the engine's own disk only.");
		});
	const download = (id: string) =>
		work(async () => {
			// The browser saves the file itself, however large it is.
			location.assign(await downloadAddress(engine, id));
		});
	return (
		<section class="panel" aria-labelledby="backups">
			<div class="panel-head">
				<div>
					<h2 id="backups">Backups</h2>
					<p class="muted">Copies of all data as it was at one moment, made while the engine works. They are on the engine's own disk until you download them.</p>
				</div>
				<div class="actions">
					<button type="button" class="primary" disabled={isBusy} onClick={make}>
						<Icon name="plus" />
						{isBusy ? "Working…" : "Make a backup"}
					</button>
				</div>
			</div>
			{error !== undefined && <Trouble error={error} />}
			{kept.length === 0 ? (
				<Empty title="No backup is kept">
					<p>The engine makes none by itself.</p>
				</Empty>
			) : (
				<Table label="Backups that are kept" columns={["Made", "Id", { label: "Size", kind: "end" }, { label: "SHA-256 of the manifest", kind: "wide" }, "Actions"]}>
					{kept.map((one) => (
						<tr key={one.id}>
							<td>
								<Time ts={one.create_ts} />
							</td>
							<td>
								<code>{one.id}</code>
							</td>
							<td class="end">{bytes(one.archive_bytes)}</td>
							<td class="wide">
								<CopyId id={one.manifest_sha256} what={`the SHA-256 of ${one.id}`} short />
							</td>
							<td>
								<div class="actions">
									<button type="button" aria-label={`Download ${one.id}`} disabled={isBusy} onClick={() => download(one.id)}>
										Download
									</button>
									<button type="button" class="danger-quiet" aria-label={`Delete ${one.id}`} onClick={() => setGoing(one)}>
										Delete
									</button>
								</div>
							</td>
						</tr>
					))}
				</Table>
			)}
			{going !== undefined && <Delete one={going} reload={reload} onClose={() => setGoing(undefined)} />}
		</section>
	);
}

function Delete({ one, reload, onClose }: { one: Checkpoint; onClose: () => void } & Reloading) {
	const { engine, tell } = useShared();
	const remove = async () => {
		await deleteCheckpoint(engine, one.id);
		await reload();
		tell("Deleted the backup.");
	};
	return (
		<Dialog title="Delete this backup?" action="Delete" isDangerous onSubmit={remove} onClose={onClose}>
			<p>
				<code>{one.id}</code> goes from the engine's disk. What was downloaded stays.
			</p>
		</Dialog>
	);
}

function Data({ about, reload }: { about: Storage } & Reloading) {
	const { engine, tell } = useShared();
	const { isBusy, error, work } = useWork();
	const tidy = () =>
		work(async () => {
			const { bytes_before, bytes_after } = await compact(engine);
			await reload();
			tell(`Compacted: ${bytes(bytes_before)} before, ${bytes(bytes_after)} now.`);
		});
	const tables = about.tables.filter(({ bytes }) => bytes > 0).sort((one, other) => other.bytes - one.bytes);
	return (
		<section class="panel" aria-labelledby="data">
			<div class="panel-head">
				<div>
					<h2 id="data">Data</h2>
					<p class="muted">Compacting rewrites everything without what was deleted. It keeps the disk busy for a while.</p>
				</div>
				<div class="actions">
					<button type="button" disabled={isBusy} onClick={tidy}>
						{isBusy ? "Compacting…" : "Compact"}
					</button>
				</div>
			</div>
			{error !== undefined && <Trouble error={error} />}
			{about.writes_are_stopped && <p class="notice notice-bad">Writes wait: compaction does not keep up, or the disk is full.</p>}
			<Facts>
				<Fact label="Free on the disk">{`${bytes(about.disk.free_bytes)} of ${bytes(about.disk.total_bytes)}`}</Fact>
				<Fact label="Data files">{`${bytes(about.data_bytes)} in ${many(about.data_files, "file")}`}</Fact>
				<Fact label="On its way to them">{`${bytes(about.log_bytes)} in the log, ${bytes(about.memory_bytes)} in memory`}</Fact>
				<Fact label="Keys">{`about ${about.keys_estimate.toLocaleString("en")}`}</Fact>
				<Fact label="Waits for compaction">{bytes(about.pending_compaction_bytes)}</Fact>
				<Fact label="Acknowledged writes">{about.durability === "strict" ? "on disk (strict)" : "written when the system likes (relaxed)"}</Fact>
				<Fact label="Format of the data">{`${about.format.data}, written by ${about.format.written_by}; this engine reads ${about.format.oldest_readable} to ${about.format.current}`}</Fact>
			</Facts>
			{tables.length > 0 && (
				<Table label="Data by table" columns={["Table", { label: "In the data files, about", kind: "end" }]}>
					{tables.map(({ table, bytes: size }) => (
						<tr key={table}>
							<td>{table}</td>
							<td class="end">{bytes(size)}</td>
						</tr>
					))}
				</Table>
			)}
		</section>
	);
}
