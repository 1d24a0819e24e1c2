// The keys that sign scoped tokens: those of the whole engine.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import type { SigningKey, Tokens } from "../../engine/tokens.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { usePoll } from "../../parts/poll.ts";
import { CopyId, Tag, Time } from "../../parts/small.tsx";
import { Table } from "../../parts/table.tsx";
import { Loading, Unread } from "../../parts/trouble.tsx";
import { Section } from "./parts.tsx";

const WITHHELD = "With this token the signing keys are not shown. Sign in with an admin token for them.";

export function SigningKeys({ tokens }: { tokens: Tokens }) {
	const { data, error, reload } = usePoll(["keys"], tokens.keys);
	const [isRotating, setRotating] = useState(false);
	const tools = data !== undefined && (
		<button type="button" onClick={() => setRotating(true)}>
			Rotate
		</button>
	);
	return (
		<Section title="Signing keys" words="They sign the scoped tokens of the whole engine. One signs; older ones verify what they have signed." tools={tools}>
			{error !== undefined && <Unread error={error} words={WITHHELD} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading rows={2} /> : <List keys={data.keys} />}
			{isRotating && <Rotate tokens={tokens} onRotated={reload} onClose={() => setRotating(false)} />}
		</Section>
	);
}

const List = ({ keys }: { keys: SigningKey[] }) => (
	<Table label="List of signing keys" columns={["Id", "Does", { label: "Algorithm", kind: "wide" }, "Created", "Last token ends"]}>
		{keys.map(({ kid, alg, create_ts, retire_ts, used_until }) => (
			<tr key={kid}>
				<td>
					<CopyId id={kid} what="the id of the key" short />
				</td>
				<td>{retire_ts === null ? <span class="good">signs</span> : "verifies"}</td>
				<td class="wide">
					<Tag>{alg}</Tag>
				</td>
				<td>
					<Time ts={create_ts} />
				</td>
				<td>
					{used_until > create_ts ? <Time ts={used_until} /> : <span class="muted">none signed</span>}
				</td>
			</tr>
		))}
	</Table>
);

function Rotate({ tokens, onRotated, onClose }: { tokens: Tokens; onRotated: () => Promise<void>; onClose: () => void }) {
	const { tell } = useShared();
	const [isLeak, setLeak] = useState(false);
	const rotate = async () => {
		await tokens.rotate(isLeak);
		tell(isLeak ? "A new key signs; all older scoped tokens have ended." : "A new key signs.");
		void onRotated();
	};
	return (
		<Dialog title="Rotate the signing key?" action="Rotate" isDangerous={isLeak} onSubmit={rotate} onClose={onClose}>
			<p>A new key signs from now on. Tokens that are out stay good until they end, unless you say otherwise.</p>
			<label class="check">
				<input type="checkbox" checked={isLeak} onChange={(event) => setLeak(event.currentTarget.checked)} />
				End all scoped tokens of the engine now
			</label>
			{isLeak && <p class="notice notice-bad">In every namespace, those of started serverless apps too. Do it when a copy of the data directory was lost.</p>}
		</Dialog>
	);
}
