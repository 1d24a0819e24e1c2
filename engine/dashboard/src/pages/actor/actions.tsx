// The actions of an actor: call one and see what it answers.
import { useState } from "preact/hooks";
import { Field } from "../../parts/dialog.tsx";
import { Tree } from "../../parts/tree.tsx";
import { Empty, Trouble } from "../../parts/trouble.tsx";
import type { Inspector } from "../../engine/inspector.ts";
import { milliseconds } from "../../words.ts";
import { Inside } from "./inside.tsx";
import type { InsideActor } from "./tabs.ts";

export const ActionsTab = ({ inspector }: InsideActor) => (
	<Inside title="Actions" what={["actions"]} read={inspector.summary} isFixed>
		{({ rpcs }) => (rpcs.length === 0 ? <Empty title="This actor has no actions" /> : <Caller inspector={inspector} actions={rpcs} />)}
	</Inside>
);

interface Answer {
	action: string;
	took: number;
	output?: unknown;
	error?: Error;
}

function Caller({ inspector, actions }: { inspector: Inspector; actions: string[] }) {
	const [action, setAction] = useState(actions[0] ?? "");
	const [text, setText] = useState("[]");
	const [answer, setAnswer] = useState<Answer>();
	const [isBusy, setBusy] = useState(false);
	const problem = problemOf(text);

	const call = async (event: Event) => {
		event.preventDefault();
		setBusy(true);
		const started = performance.now();
		const done = (rest: Partial<Answer>) => setAnswer({ action, took: performance.now() - started, ...rest });
		try {
			done({ output: (await inspector.call(action, JSON.parse(text) as unknown[])).output });
		} catch (error) {
			done({ error: error as Error });
		} finally {
			setBusy(false);
		}
	};

	return (
		<div class="columns">
			<form onSubmit={call}>
				<Field label="Action">
					<select value={action} onChange={(event) => setAction(event.currentTarget.value)}>
						{actions.map((name) => (
							<option key={name}>{name}</option>
						))}
					</select>
				</Field>
				<Field label="Arguments" hint={problem ?? "A JSON list: one entry for each argument."}>
					<textarea
						rows={4}
						class="code"
						spellcheck={false}
						aria-invalid={problem !== undefined}
						value={text}
						onInput={(event) => setText(event.currentTarget.value)}
					/>
				</Field>
				<button type="submit" class="primary" disabled={isBusy || problem !== undefined}>
					{isBusy ? "Calling…" : `Call ${action}`}
				</button>
			</form>
			<div class="answer" role="status" aria-label="Answer">
				{answer === undefined ? <Empty title="The answer appears here" /> : <Shown answer={answer} />}
			</div>
		</div>
	);
}

const Shown = ({ answer: { action, took, output, error } }: { answer: Answer }) => (
	<>
		<p class="muted">
			{action} {error === undefined ? "answered" : "failed"} after {milliseconds(took)}
		</p>
		{error === undefined ? <Tree value={output} /> : <Trouble error={error} />}
	</>
);

function problemOf(text: string): string | undefined {
	try {
		return Array.isArray(JSON.parse(text)) ? undefined : "This is no list: put [ ] around the arguments.";
	} catch {
		return "This is no JSON yet.";
	}
}
