// The form of a scoped token.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import type { NewScopedToken, Resource, Tokens } from "../../engine/tokens.ts";
import { Dialog, Field } from "../../parts/dialog.tsx";
import { changed, type Form, type GrantForm, GRANTS_MAX, MINUTES_MAX, newForm, newGrant, OFFERS, offerOf, operationsOf, wishOf } from "./grants.ts";

interface Props {
	tokens: Tokens;
	onIssued: (token: NewScopedToken) => void;
	onClose: () => void;
}

export function Issue({ tokens, onIssued, onClose }: Props) {
	const { tell } = useShared();
	const [form, setForm] = useState(newForm);
	const change = (part: Partial<Form>) => setForm({ ...form, ...part });
	const issue = async () => {
		onIssued(await tokens.issue(wishOf(form)));
		tell("Issued a scoped token.");
	};
	return (
		<Dialog title="New scoped token" action="Issue" onSubmit={issue} onClose={onClose}>
			<Field label="Subject" hint="For whom it is: the audit log tells it. Empty: nobody in particular.">
				<input maxLength={64} spellcheck={false} autocomplete="off" value={form.subject} onInput={(event) => change({ subject: event.currentTarget.value })} />
			</Field>
			<Field label="Lasts, in minutes" hint={`1 to ${MINUTES_MAX}, which is a day.`}>
				<input required inputMode="numeric" value={form.minutes} onInput={(event) => change({ minutes: event.currentTarget.value })} />
			</Field>
			{form.grants.map((grant, index) => (
				<GrantFields
					key={index}
					number={index + 1}
					grant={grant}
					onChange={(part) => change({ grants: form.grants.map((one, at) => (at === index ? changed(one, part) : one)) })}
					onRemove={form.grants.length === 1 ? undefined : () => change({ grants: form.grants.filter((_, at) => at !== index) })}
				/>
			))}
			<div>
				<button type="button" disabled={form.grants.length >= GRANTS_MAX} onClick={() => change({ grants: [...form.grants, newGrant()] })}>
					Add a grant
				</button>
			</div>
		</Dialog>
	);
}

interface GrantProps {
	number: number;
	grant: GrantForm;
	onChange: (part: Partial<GrantForm>) => void;
	onRemove: (() => void) | undefined;
}

function GrantFields({ number, grant, onChange, onRemove }: GrantProps) {
	return (
		<fieldset class="grant">
			<legend>Grant {number}</legend>
			<Field label="What">
				<select value={grant.resource} onChange={(event) => onChange({ resource: event.currentTarget.value as Resource })}>
					{OFFERS.map(({ resource, label }) => (
						<option key={resource} value={resource}>
							{label}
						</option>
					))}
				</select>
			</Field>
			{offerOf(grant.resource).isAboutActors && <TargetFields grant={grant} onChange={onChange} />}
			<Operations grant={grant} onChange={onChange} />
			{onRemove !== undefined && (
				<div>
					<button type="button" class="danger-quiet" onClick={onRemove}>
						Remove grant {number}
					</button>
				</div>
			)}
		</fieldset>
	);
}

type PartProps = Pick<GrantProps, "grant" | "onChange">;

const TargetFields = ({ grant, onChange }: PartProps) => (
	<>
		<Field label="Which actors">
			<select value={grant.target} onChange={(event) => onChange({ target: event.currentTarget.value as GrantForm["target"] })}>
				<option value="any">All of the namespace</option>
				<option value="name">Those of a name, or one key</option>
				<option value="id">One, by its id</option>
			</select>
		</Field>
		{grant.target === "id" && (
			<Field label="Actor id">
				<input required spellcheck={false} autocomplete="off" value={grant.id} onInput={(event) => onChange({ id: event.currentTarget.value })} />
			</Field>
		)}
		{grant.target === "name" && (
			<>
				<Field label="Actor name">
					<input required spellcheck={false} autocomplete="off" value={grant.name} onInput={(event) => onChange({ name: event.currentTarget.value })} />
				</Field>
				<Field label="Key" hint="As the list of actors shows it. Empty: all of the name.">
					<input spellcheck={false} autocomplete="off" value={grant.key} onInput={(event) => onChange({ key: event.currentTarget.value })} />
				</Field>
			</>
		)}
	</>
);

const Operations = ({ grant, onChange }: PartProps) => (
	<div class="choices" role="group" aria-label="What may be done">
		{operationsOf(grant).map(([operation, words]) => {
			const others = grant.operations.filter((one) => one !== operation);
			return (
				<label key={operation} class="check">
					<input
						type="checkbox"
						checked={others.length < grant.operations.length}
						onChange={(event) => onChange({ operations: event.currentTarget.checked ? [...others, operation] : others })}
					/>
					{words}
				</label>
			);
		})}
	</div>
);
