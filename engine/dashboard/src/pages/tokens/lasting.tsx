// Public or secret tokens, which last until they are revoked.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import type { Kind, NamespaceToken, NewToken, Tokens } from "../../engine/tokens.ts";
import { Dialog, Field } from "../../parts/dialog.tsx";
import { usePoll } from "../../parts/poll.ts";
import { CopyId, Time } from "../../parts/small.tsx";
import { Table } from "../../parts/table.tsx";
import { Empty, Loading, Unread } from "../../parts/trouble.tsx";
import { Naming, NewButton, Section, ShownOnce } from "./parts.tsx";

interface Props {
	kind: Kind;
	tokens: Tokens;
	title: string;
	words: string;
	/** What is said where the list may not be read. */
	withheld: string;
}

export function Lasting({ kind, tokens, title, words, withheld }: Props) {
	const { data, error, reload } = usePoll([kind], (signal) => tokens.list(kind, signal));
	const [isCreating, setCreating] = useState(false);
	const [fresh, setFresh] = useState<NewToken>();
	const [going, setGoing] = useState<NamespaceToken>();
	const onCreated = (token: NewToken) => {
		setFresh(token);
		void reload();
	};
	const onRevoked = ({ token_id }: NamespaceToken) => {
		if (fresh?.token_id === token_id) setFresh(undefined);
		void reload();
	};

	return (
		<Section title={title} words={words} tools={data !== undefined && <NewButton onClick={() => setCreating(true)}>{`New ${kind} token`}</NewButton>}>
			{fresh !== undefined && <ShownOnce token={fresh.token} title={`The new ${kind} token`} onDone={() => setFresh(undefined)} />}
			{error !== undefined && <Unread error={error} words={withheld} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading rows={2} /> : <List kind={kind} found={data.tokens} onRevoke={setGoing} />}
			{isCreating && <Create kind={kind} tokens={tokens} onCreated={onCreated} onClose={() => setCreating(false)} />}
			{going !== undefined && <Revoke kind={kind} tokens={tokens} token={going} onRevoked={onRevoked} onClose={() => setGoing(undefined)} />}
		</Section>
	);
}

/** What people call a token: its name, or the beginning of its id. */
const called = ({ name, token_id }: NamespaceToken) => name ?? token_id.slice(0, 8);

function List({ kind, found, onRevoke }: { kind: Kind; found: NamespaceToken[]; onRevoke: (token: NamespaceToken) => void }) {
	if (found.length === 0) return <Empty title={`No ${kind} token`} />;
	return (
		<Table label={`List of ${kind} tokens`} columns={["Name", "Id", "Created", "Actions"]}>
			{found.map((token) => (
				<tr key={token.token_id}>
					<td>{token.name ?? <span class="muted">no name</span>}</td>
					<td>
						<CopyId id={token.token_id} what={`the id of ${called(token)}`} short />
					</td>
					<td>
						<Time ts={token.create_ts} />
					</td>
					<td>
						<button type="button" class="danger-quiet" aria-label={`Revoke ${called(token)}`} onClick={() => onRevoke(token)}>
							Revoke
						</button>
					</td>
				</tr>
			))}
		</Table>
	);
}

interface CreateProps {
	kind: Kind;
	tokens: Tokens;
	onCreated: (token: NewToken) => void;
	onClose: () => void;
}

function Create({ kind, tokens, onCreated, onClose }: CreateProps) {
	const { tell } = useShared();
	const [name, setName] = useState("");
	const create = async () => {
		onCreated(await tokens.create(kind, name.trim()));
		tell(`Made a ${kind} token.`);
	};
	return (
		<Dialog title={`New ${kind} token`} action="Create" onSubmit={create} onClose={onClose}>
			<Field label="Name" hint="For people, such as where it is used. Empty: none.">
				<input maxLength={64} spellcheck={false} autocomplete="off" value={name} onInput={(event) => setName(event.currentTarget.value)} />
			</Field>
		</Dialog>
	);
}

interface RevokeProps {
	kind: Kind;
	tokens: Tokens;
	token: NamespaceToken;
	onRevoked: (token: NamespaceToken) => void;
	onClose: () => void;
}

function Revoke({ kind, tokens, token, onRevoked, onClose }: RevokeProps) {
	const { tell } = useShared();
	const name = called(token);
	const revoke = async () => {
		await tokens.revoke(kind, token.token_id);
		tell(`Revoked ${name}.`);
		onRevoked(token);
	};
	return (
		<Dialog title={`Revoke the ${kind} token ${name}?`} action={`Revoke ${name}`} isDangerous onSubmit={revoke} onClose={onClose}>
			<p>
				Whoever uses it is refused from then on; what is open stays open.
				{kind === "secret" && " Scoped tokens that it has issued end with it."}
			</p>
			<Naming words={name} />
		</Dialog>
	);
}
