// The queue of an actor: what waits, and a way to add to it.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import { Dialog, Field } from "../../parts/dialog.tsx";
import { Time } from "../../parts/small.tsx";
import { Table } from "../../parts/table.tsx";
import { Empty } from "../../parts/trouble.tsx";
import { many } from "../../words.ts";
import { Inside } from "./inside.tsx";
import type { InsideActor } from "./tabs.ts";

export function QueueTab({ inspector }: InsideActor) {
	const { tell } = useShared();
	const [isSending, setSending] = useState(false);
	const [name, setName] = useState("");
	const [body, setBody] = useState("null");
	const add = (
		<button type="button" onClick={() => setSending(true)}>
			Send a message
		</button>
	);
	return (
		<Inside title="Queue" what={["queue"]} read={inspector.queue} tools={add}>
			{({ size, maxSize, messages, truncated }, { reload }) => {
				const send = async () => {
					await inspector.sendToQueue(name, JSON.parse(body));
					tell(`Sent a message to ${name}.`);
					await reload();
				};
				return (
					<>
						{messages.length === 0 ? (
							<Empty title="No message waits">
								<p>Those that are taken at once are never seen here.</p>
							</Empty>
						) : (
							<Table label="Messages" columns={["Queue", { label: "Id", kind: "end" }, "Sent"]}>
								{messages.map((message) => (
									<tr key={message.id}>
										<td>{message.name}</td>
										<td class="end">{message.id}</td>
										<td>
											<Time ts={message.createdAtMs} />
										</td>
									</tr>
								))}
							</Table>
						)}
						<p class="count muted">
							{many(size, "message")} of at most {maxSize.toLocaleString("en")}
							{truncated && "; the first 200 are shown"}
						</p>
						{isSending && (
							<Dialog title="Send a message" action="Send" onSubmit={send} onClose={() => setSending(false)}>
								<Field label="Queue">
									<input required spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
								</Field>
								<Field label="Message, as JSON">
									<textarea rows={5} class="code" spellcheck={false} value={body} onInput={(event) => setBody(event.currentTarget.value)} />
								</Field>
							</Dialog>
						)}
					</>
				);
			}}
		</Inside>
	);
}
