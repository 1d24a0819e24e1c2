// Scoped tokens: the engine keeps none, so that there is no list of them.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import type { NewScopedToken, Tokens } from "../../engine/tokens.ts";
import { Dialog, Field } from "../../parts/dialog.tsx";
import { CopyId } from "../../parts/small.tsx";
import { exact } from "../../words.ts";
import { Issue } from "./issue.tsx";
import { NewButton, Section, ShownOnce } from "./parts.tsx";

export function Scoped({ tokens }: { tokens: Tokens }) {
	const [open, setOpen] = useState<"issue" | "revoke">();
	const [fresh, setFresh] = useState<NewScopedToken>();
	const close = () => setOpen(undefined);
	const tools = (
		<>
			<button type="button" class="danger-quiet" onClick={() => setOpen("revoke")}>
				Revoke by id
			</button>
			<NewButton onClick={() => setOpen("issue")}>New scoped token</NewButton>
		</>
	);
	return (
		<Section
			title="Scoped tokens"
			words="For one user or one job, for up to a day. The engine keeps no list of them."
			tools={tools}
		>
			{fresh !== undefined && (
				<ShownOnce token={fresh.token} title="The new scoped token" onDone={() => setFresh(undefined)}>
					<p>
						It ends at <time dateTime={new Date(fresh.expires_ts).toISOString()}>{exact(fresh.expires_ts)}</time>. To revoke it before, its id is{" "}
						<CopyId id={fresh.token_id} what="the id of the token" />
					</p>
				</ShownOnce>
			)}
			{open === "issue" && <Issue tokens={tokens} onIssued={setFresh} onClose={close} />}
			{open === "revoke" && (
				<Revoke
					tokens={tokens}
					onRevoked={(id) => fresh?.token_id === id && setFresh(undefined)}
					onClose={close}
				/>
			)}
		</Section>
	);
}

function Revoke({ tokens, onRevoked, onClose }: { tokens: Tokens; onRevoked: (id: string) => void; onClose: () => void }) {
	const { tell } = useShared();
	const [id, setId] = useState("");
	const revoke = async () => {
		await tokens.revokeScoped(id.trim());
		tell("Revoked the scoped token.");
		onRevoked(id.trim());
	};
	return (
		<Dialog title="Revoke a scoped token" action="Revoke" isDangerous onSubmit={revoke} onClose={onClose}>
			<p>Whoever uses it is refused from then on; what is open stays open.</p>
			<Field label="Token id" hint="As it was told with the token. The audit log has it, too; inside the token it is jti.">
				<input required pattern="\s*[a-z0-9]{30}\s*" title="30 small letters and digits" spellcheck={false} autocomplete="off" value={id} onInput={(event) => setId(event.currentTarget.value)} />
			</Field>
		</Dialog>
	);
}
