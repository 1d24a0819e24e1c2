// A pool that is made or changed.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import type { HealthChecked, PoolConfig } from "../../engine/api.ts";
import { Dialog, Field } from "../../parts/dialog.tsx";
import { configOf, type Form, formOf, headersOf, NUMBER_FIELDS } from "./form.ts";

interface Props {
	namespace: string;
	/** The pool that is changed; without it, one is made. */
	pool?: string;
	datacenters?: Record<string, PoolConfig>;
	onClose: () => void;
	onSaved: () => void;
}

export function Editor({ namespace, pool, datacenters = {}, onClose, onSaved }: Props) {
	const { engine, tell } = useShared();
	// What it was when the dialog opened: what changes meanwhile is not mixed in.
	const [before] = useState(datacenters);
	const [form, setForm] = useState(() => formOf(pool ?? "", Object.values(before)[0] ?? {}));
	const change = (part: Partial<Form>) => setForm({ ...form, ...part });

	const save = async () => {
		const names = pool === undefined ? (await engine.datacenters()).datacenters.map(({ name }) => name) : Object.keys(before);
		const configs = names.map((name) => [name, configOf(form, before[name] ?? {})] as const);
		await engine.putPool(namespace, form.name, Object.fromEntries(configs));
		tell(`Saved the pool ${form.name}.`);
		onSaved();
	};

	return (
		<Dialog title={pool === undefined ? "New pool" : `Pool ${pool}`} action="Save" onSubmit={save} onClose={onClose}>
			{pool === undefined && (
				<Field label="Name" hint="Apps and clients name it: the pool of an app that says nothing is called default.">
					<input required maxLength={128} spellcheck={false} value={form.name} onInput={(event) => change({ name: event.currentTarget.value })} />
				</Field>
			)}
			<fieldset class="kinds">
				<legend>Kind</legend>
				<Kind value="normal" words="Normal: envoys connect by themselves" form={form} onChange={change} />
				<Kind value="serverless" words="Serverless: the engine calls a URL" form={form} onChange={change} />
			</fieldset>
			{form.kind === "serverless" && <Serverless namespace={namespace} form={form} onChange={change} />}
			<label class="check">
				<input type="checkbox" checked={form.drains} onChange={(event) => change({ drains: event.currentTarget.checked })} />
				Move actors when a newer version of the app connects
			</label>
		</Dialog>
	);
}

interface PartProps {
	form: Form;
	onChange: (part: Partial<Form>) => void;
}

const Kind = ({ value, words, form, onChange }: PartProps & { value: Form["kind"]; words: string }) => (
	<label class="check">
		<input type="radio" name="kind" value={value} checked={form.kind === value} onChange={() => onChange({ kind: value })} />
		{words}
	</label>
);

const Serverless = ({ namespace, form, onChange }: PartProps & { namespace: string }) => (
	<>
		<Field label="URL" hint="Where the app serves rivetkit, such as http://10.0.0.5:3000/api/rivet">
			<input required type="url" spellcheck={false} value={form.url} onInput={(event) => onChange({ url: event.currentTarget.value })} />
		</Field>
		<Field label="Headers" hint="One a line, as name: value. They go with every request to the URL.">
			<textarea rows={2} class="code" spellcheck={false} value={form.headers} onInput={(event) => onChange({ headers: event.currentTarget.value })} />
		</Field>
		<HealthCheck namespace={namespace} form={form} />
		<div class="numbers">
			{NUMBER_FIELDS.map(({ field, label, hint }) => (
				<Field key={field} label={label} hint={hint === "" ? undefined : hint}>
					<input
						inputMode="numeric"
						required={field === "request_lifespan"}
						value={form.numbers[field]}
						onInput={(event) => onChange({ numbers: { ...form.numbers, [field]: event.currentTarget.value } })}
					/>
				</Field>
			))}
		</div>
	</>
);

function HealthCheck({ namespace, form }: { namespace: string; form: Form }) {
	const { engine } = useShared();
	const [result, setResult] = useState<{ isGood: boolean; words: string }>();
	const check = async () => {
		setResult({ isGood: true, words: "Asking…" });
		try {
			setResult(told(await engine.healthCheck(namespace, form.url.trim(), headersOf(form.headers))));
		} catch (error) {
			setResult({ isGood: false, words: (error as Error).message });
		}
	};
	return (
		<div class="health-check">
			<button type="button" disabled={form.url.trim() === ""} onClick={check}>
				Check the URL
			</button>
			<span role="status" class={result?.isGood === false ? "bad" : "good"}>
				{result?.words}
			</span>
		</div>
	);
}

function told(checked: HealthChecked): { isGood: boolean; words: string } {
	if ("success" in checked) return { isGood: true, words: `rivetkit ${checked.success.version} answers there.` };
	const { message, details } = checked.failure.error;
	return { isGood: false, words: details === undefined ? message : `${message}: ${details}` };
}
