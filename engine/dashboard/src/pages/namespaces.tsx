// The namespaces of the engine: a list, and a way to make another.
import { useState } from "preact/hooks";
import { useShared } from "../context.ts";
import type { Namespace } from "../engine/api.ts";
import { Dialog, Field } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { usePoll } from "../parts/poll.ts";
import { CopyId, Time } from "../parts/small.tsx";
import { Table } from "../parts/table.tsx";
import { Loading, Trouble } from "../parts/trouble.tsx";
import { href } from "../route.ts";
import { many } from "../words.ts";

const INTERVAL = 15_000;

export function NamespacesPage() {
	const { engine } = useShared();
	const { data, error, reload } = usePoll(["namespaces"], engine.namespaces, INTERVAL);
	const [isCreating, setCreating] = useState(false);

	return (
		<>
			<header class="page-head">
				<div>
					<h1>Namespaces</h1>
					<p class="muted">Each keeps its actors, pools and envoys apart from those of the others.</p>
				</div>
				<button type="button" class="primary" onClick={() => setCreating(true)}>
					<Icon name="plus" />
					New namespace
				</button>
			</header>
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading /> : <List namespaces={data.namespaces} />}
			{isCreating && <Create onClose={() => setCreating(false)} />}
		</>
	);
}

const List = ({ namespaces }: { namespaces: Namespace[] }) => (
	<>
		<Table label="Namespaces" columns={["Name", "Display name", { label: "Id", kind: "wide" }, "Created"]}>
			{namespaces.map(({ namespace_id, name, display_name, create_ts }) => (
				<tr key={namespace_id}>
					<td>
						<a href={href(name, "overview")}>{name}</a>
					</td>
					<td>{display_name}</td>
					<td class="wide">
						<CopyId id={namespace_id} what={`the id of ${name}`} short />
					</td>
					<td>
						<Time ts={create_ts} />
					</td>
				</tr>
			))}
		</Table>
		<p class="count muted">{many(namespaces.length, "namespace")}</p>
	</>
);

function Create({ onClose }: { onClose: () => void }) {
	const { engine, tell } = useShared();
	const [name, setName] = useState("");
	const [displayName, setDisplayName] = useState("");

	const create = async () => {
		await engine.createNamespace(name, displayName.trim() === "" ? name : displayName.trim());
		tell(`Created the namespace ${name}.`);
		location.hash = href(name, "overview");
	};

	return (
		<Dialog title="New namespace" action="Create" onSubmit={create} onClose={onClose}>
			<Field label="Name" hint="Up to 64 of a–z, 0–9 and single hyphens. It cannot be changed later.">
				<input required maxLength={64} pattern="[a-z0-9]+(-[a-z0-9]+)*" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
			</Field>
			<Field label="Display name" hint="For people. Empty: the name.">
				<input maxLength={128} value={displayName} onInput={(event) => setDisplayName(event.currentTarget.value)} />
			</Field>
		</Dialog>
	);
}
