// The state of an actor, to look at and to replace.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import { Dialog, Field } from "../../parts/dialog.tsx";
import { Tree } from "../../parts/tree.tsx";
import { Empty } from "../../parts/trouble.tsx";
import { Inside } from "./inside.tsx";
import type { InsideActor } from "./tabs.ts";

export function StateTab({ inspector }: InsideActor) {
	const { tell } = useShared();
	const [edited, setEdited] = useState<string>();
	return (
		<Inside title="State" what={["state"]} read={inspector.summary}>
			{({ state, isStateEnabled }, { reload }) => {
				if (!isStateEnabled) return <Empty title="This actor keeps no state" />;
				const replace = async () => {
					await inspector.replaceState(JSON.parse(edited ?? "null"));
					tell("The state is replaced.");
					await reload();
				};
				return (
					<>
						<Tree value={state} />
						<button type="button" onClick={() => setEdited(JSON.stringify(state, null, 2))}>
							Edit
						</button>
						{edited !== undefined && (
							<Dialog title="Replace the state" action="Replace the state" isDangerous onSubmit={replace} onClose={() => setEdited(undefined)}>
								<Field label="State, as JSON" hint="The whole state is replaced. What the actor changes meanwhile is lost.">
									<textarea rows={12} class="code" spellcheck={false} value={edited} onInput={(event) => setEdited(event.currentTarget.value)} />
								</Field>
							</Dialog>
						)}
					</>
				);
			}}
		</Inside>
	);
}
