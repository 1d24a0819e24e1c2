// The workflow of an actor: its steps, in the order in which the app tells them.
import type { WorkflowEntry, WorkflowHistory } from "../../engine/inspector.ts";
import { Tag, Time } from "../../parts/small.tsx";
import { Table } from "../../parts/table.tsx";
import { Tree } from "../../parts/tree.tsx";
import { Empty } from "../../parts/trouble.tsx";
import { many } from "../../words.ts";
import { Inside } from "./inside.tsx";
import type { InsideActor } from "./tabs.ts";

export const WorkflowTab = ({ inspector }: InsideActor) => (
	<Inside title="Workflow" what={["workflow"]} read={inspector.workflow}>
		{({ history, workflowState, isWorkflowEnabled }) => {
			if (!isWorkflowEnabled || history === null) return <Empty title="This actor runs no workflow" />;
			return <Steps history={history} state={workflowState} />;
		}}
	</Inside>
);

function Steps({ history, state }: { history: WorkflowHistory; state: string | null }) {
	const { entries } = history;
	return (
		<>
			<p>The workflow is {state ?? "not started"}.</p>
			<Table label="Steps" columns={["Step", "Kind", "Status", { label: "Attempts", kind: "end" }, "Began", "Result"]}>
				{entries.map((entry) => {
					const told = history.entryMetadata[entry.id];
					return (
						<tr key={entry.id}>
							<td>
								<code>{placeOf(entry, history.nameRegistry)}</code>
							</td>
							<td>
								<Tag>{kindOf(entry)}</Tag>
							</td>
							<td>{told?.status.toLowerCase() ?? "–"}</td>
							<td class="end">{told?.attempts ?? "–"}</td>
							<td>{told === undefined ? "–" : <Time ts={told.createdAt} />}</td>
							<td>
								<Tree value={entry.kind.val} />
							</td>
						</tr>
					);
				})}
			</Table>
			<p class="count muted">{many(entries.length, "entry", "entries")}</p>
		</>
	);
}

/** `loop / 3 / record`: names and rounds, from the outside in. */
function placeOf({ location }: WorkflowEntry, names: string[]): string {
	const parts = location.map(({ tag, val }) => {
		if (tag === "WorkflowNameIndex") return names[Number(val)] ?? "?";
		if (typeof val === "object" && val !== null && "iteration" in val) return String(val.iteration);
		return JSON.stringify(val);
	});
	return parts.join(" / ");
}

/** `WorkflowStepEntry` is a `step`. */
const kindOf = ({ kind }: WorkflowEntry) => kind.tag.replace(/^Workflow|Entry$/g, "").toLowerCase();
