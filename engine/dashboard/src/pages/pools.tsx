// The pools of a namespace: how each runs its actors, and who says so.
import { useState } from "preact/hooks";
import { useShared } from "../context.ts";
import type { Envoy, PoolConfig, Pools } from "../engine/api.ts";
import type { InNamespace } from "../pages.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { usePoll } from "../parts/poll.ts";
import { Tag } from "../parts/small.tsx";
import { Table } from "../parts/table.tsx";
import { Empty, Loading, Trouble } from "../parts/trouble.tsx";
import { many } from "../words.ts";
import { Editor } from "./pools/editor.tsx";

const INTERVAL = 5000;

export function PoolsPage({ namespace }: InNamespace) {
	const { engine } = useShared();
	const read = async (signal: AbortSignal) => {
		const [pools, envoys] = await Promise.all([engine.pools(namespace, signal), engine.envoys(namespace, signal)]);
		return { pools: pools.runner_configs, envoys: envoys.envoys };
	};
	const { data, error, reload } = usePoll([namespace], read, INTERVAL);
	const [isCreating, setCreating] = useState(false);

	return (
		<>
			<header class="page-head">
				<div>
					<h1>Pools</h1>
					<p class="muted">How actors are run: by envoys that connect by themselves, or by an app that the engine calls.</p>
				</div>
				<button type="button" class="primary" onClick={() => setCreating(true)}>
					<Icon name="plus" />
					New pool
				</button>
			</header>
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			{data === undefined ? (
				error === undefined && <Loading />
			) : (
				<List namespace={namespace} pools={data.pools} envoys={data.envoys} onChanged={reload} />
			)}
			{isCreating && <Editor namespace={namespace} onClose={() => setCreating(false)} onSaved={reload} />}
		</>
	);
}

interface ListProps {
	namespace: string;
	pools: Pools;
	envoys: Envoy[];
	onChanged: () => void;
}

function List({ namespace, pools, envoys, onChanged }: ListProps) {
	const rows = Object.entries(pools).flatMap(([pool, { datacenters }]) =>
		Object.entries(datacenters).map(([datacenter, config]) => ({ pool, datacenter, config })),
	);
	if (rows.length === 0) {
		return (
			<Empty title="No pools yet">
				<p>An app that connects makes its own. One that the engine calls needs a pool with its URL.</p>
			</Empty>
		);
	}
	return (
		<>
			<Table label="Pools" columns={["Pool", "Kind", { label: "Envoys", kind: "end" }, { label: "Protocol", kind: "wide" }, "Health", "Actions"]}>
				{rows.map(({ pool, datacenter, config }) => (
					<tr key={`${pool} ${datacenter}`}>
						<td>
							<strong>{pool}</strong>
							{config.serverless !== undefined && <div class="muted url">{config.serverless.url}</div>}
						</td>
						<td>
							<Tag>{config.serverless === undefined ? "normal" : "serverless"}</Tag>
						</td>
						<td class="end">{envoys.filter(({ pool_name }) => pool_name === pool).length}</td>
						<td class="wide">{config.protocol_version ?? <span class="muted">unknown</span>}</td>
						<td>
							<Health config={config} />
						</td>
						<td>
							<Actions namespace={namespace} pool={pool} datacenters={pools[pool]?.datacenters ?? {}} config={config} onChanged={onChanged} />
						</td>
					</tr>
				))}
			</Table>
			<p class="count muted">{many(rows.length, "pool")}</p>
		</>
	);
}

function Health({ config }: { config: PoolConfig }) {
	const { runner_pool_error: error } = config;
	if (error === undefined || error === null) return <span class="good">no error</span>;
	const words = typeof error === "string" ? error : (Object.keys(error)[0] ?? "error");
	return (
		<span class="bad" title={JSON.stringify(error)}>
			{words.replaceAll("_", " ")}
		</span>
	);
}

interface ActionsProps {
	namespace: string;
	pool: string;
	datacenters: Record<string, PoolConfig>;
	config: PoolConfig;
	onChanged: () => void;
}

function Actions({ namespace, pool, datacenters, config, onChanged }: ActionsProps) {
	const { engine, tell } = useShared();
	const [open, setOpen] = useState<"edit" | "delete">();
	const close = () => setOpen(undefined);
	const remove = async () => {
		await engine.deletePool(namespace, pool);
		tell(`Deleted the pool ${pool}.`);
		onChanged();
	};
	const refresh = async () => {
		try {
			await engine.refreshPool(namespace, pool);
			tell(`${pool} answers.`);
		} catch (error) {
			tell(`${pool}: ${(error as Error).message}`);
		}
		onChanged();
	};
	return (
		<div class="actions">
			{config.serverless !== undefined && (
				<button type="button" onClick={refresh}>
					Check
				</button>
			)}
			<button type="button" onClick={() => setOpen("edit")} aria-label={`Edit ${pool}`}>
				Edit
			</button>
			<button type="button" class="danger-quiet" onClick={() => setOpen("delete")} aria-label={`Delete ${pool}`}>
				Delete
			</button>
			{open === "edit" && <Editor namespace={namespace} pool={pool} datacenters={datacenters} onClose={close} onSaved={onChanged} />}
			{open === "delete" && (
				<Dialog title={`Delete the pool ${pool}?`} action={`Delete ${pool}`} isDangerous onSubmit={remove} onClose={close}>
					<p>Its actors stay, and wait until there is a pool of this name again. Envoys that are connected may make it anew.</p>
				</Dialog>
			)}
		</div>
	);
}
