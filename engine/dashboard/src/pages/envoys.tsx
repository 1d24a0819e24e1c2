// The envoys of a namespace: which processes of apps are connected.
import { useShared } from "../context.ts";
import type { Envoy } from "../engine/api.ts";
import type { InNamespace } from "../pages.ts";
import { usePoll } from "../parts/poll.ts";
import { CopyId, Tag, Time } from "../parts/small.tsx";
import { Table } from "../parts/table.tsx";
import { Empty, Loading, Trouble } from "../parts/trouble.tsx";
import { many } from "../words.ts";

const INTERVAL = 3000;

export function EnvoysPage({ namespace }: InNamespace) {
	const { engine } = useShared();
	const { data, error, reload } = usePoll([namespace], (signal) => engine.envoys(namespace, signal), INTERVAL);

	return (
		<>
			<header class="page-head">
				<div>
					<h1>Envoys</h1>
					<p class="muted">Processes of apps that are connected and run actors.</p>
				</div>
			</header>
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading /> : <List envoys={data.envoys} />}
		</>
	);
}

function List({ envoys }: { envoys: Envoy[] }) {
	if (envoys.length === 0) {
		return (
			<Empty title="No envoy is connected">
				<p>Start an app with this engine as its endpoint and this namespace. It appears here as soon as it is connected.</p>
			</Empty>
		);
	}
	return (
		<>
			<Table
				label="Envoys"
				columns={[
					"Envoy",
					"Pool",
					{ label: "Actors", kind: "end" },
					{ label: "Version", kind: "end" },
					{ label: "rivetkit", kind: "wide" },
					"Connected",
					"Heard of",
					{ label: "Round trip", kind: "end" },
				]}
			>
				{envoys.map((envoy) => (
					<tr key={envoy.envoy_key}>
						<td>
							<CopyId id={envoy.envoy_key} what="the key of the envoy" short />
						</td>
						<td>
							<Tag>{envoy.pool_name}</Tag>
						</td>
						<td class="end">{envoy.slots}</td>
						<td class="end">{envoy.version}</td>
						<td class="wide">{envoy.metadata?.rivetkit?.version ?? "–"}</td>
						<td>
							<Time ts={envoy.create_ts} />
						</td>
						<td>
							<Time ts={envoy.last_ping_ts} />
						</td>
						<td class="end">{envoy.last_rtt} ms</td>
					</tr>
				))}
			</Table>
			<p class="count muted">{many(envoys.length, "envoy")}</p>
		</>
	);
}
