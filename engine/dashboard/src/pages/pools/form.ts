// A pool as a form, and a form as a pool. Pure. What the form does not know stays as it is.
import type { PoolConfig } from "../../engine/api.ts";

export interface Form {
	name: string;
	kind: "normal" | "serverless";
	drains: boolean;
	url: string;
	/** One `name: value` a line. */
	headers: string;
	numbers: Record<NumberField, string>;
}

export type NumberField =
	| "request_lifespan"
	| "max_concurrent_actors"
	| "min_runners"
	| "max_runners"
	| "runners_margin"
	| "slots_per_runner"
	| "drain_grace_period"
	| "metadata_poll_interval";

export const NUMBER_FIELDS: readonly { field: NumberField; label: string; hint: string }[] = [
	{ field: "request_lifespan", label: "Request lifespan", hint: "seconds that a start may run" },
	{ field: "max_concurrent_actors", label: "Actors at once", hint: "at most" },
	{ field: "drain_grace_period", label: "Grace to drain", hint: "seconds" },
	{ field: "metadata_poll_interval", label: "Metadata every", hint: "milliseconds" },
	{ field: "min_runners", label: "Runners, least", hint: "" },
	{ field: "max_runners", label: "Runners, most", hint: "" },
	{ field: "runners_margin", label: "Runners to spare", hint: "" },
	{ field: "slots_per_runner", label: "Actors a runner", hint: "" },
];

export class BadForm extends Error {}

/** Of a new serverless pool, in seconds. The grace has to be the smaller one, which the engine's own is not. */
const LIFESPAN = "900";
const GRACE = "300";

export function formOf(name: string, config: PoolConfig): Form {
	const { serverless, normal } = config;
	const number = (field: NumberField) => {
		const value = serverless?.[field];
		return value === undefined ? "" : String(value);
	};
	const numbers = Object.fromEntries(NUMBER_FIELDS.map(({ field }) => [field, number(field)])) as Form["numbers"];
	if (serverless === undefined) {
		numbers.request_lifespan = LIFESPAN;
		numbers.drain_grace_period = GRACE;
	}
	const inside = (serverless ?? normal)?.["drain_on_version_upgrade"];
	return {
		name,
		kind: serverless === undefined ? "normal" : "serverless",
		drains: config.drain_on_version_upgrade ?? inside !== false,
		url: serverless?.url ?? "",
		headers: Object.entries(serverless?.headers ?? {}).map((pair) => pair.join(": ")).join("\n"),
		numbers,
	};
}

/** The config that a form asks for, with what `before` has beside it. Fails with `BadForm`. */
export function configOf(form: Form, before: PoolConfig): PoolConfig {
	const metadata = before.metadata === undefined ? {} : { metadata: before.metadata };
	const shared = { drain_on_version_upgrade: form.drains };
	// Read-only, or said beside the kind.
	if (form.kind === "normal") return { normal: { ...before.normal, ...shared }, ...metadata };
	const numbers: Partial<Record<NumberField, number>> = {};
	for (const { field, label } of NUMBER_FIELDS) {
		const text = form.numbers[field].trim();
		if (text === "") continue;
		if (!/^\d+$/.test(text)) throw new BadForm(`${label} has to be a whole number.`);
		numbers[field] = Number(text);
	}
	const { request_lifespan, ...others } = numbers;
	if (request_lifespan === undefined) throw new BadForm("A serverless pool needs a request lifespan.");
	const kept = Object.entries(before.serverless ?? {}).filter(([field]) => !NUMBER_FIELDS.some((known) => known.field === field));
	return {
		serverless: { ...Object.fromEntries(kept), url: form.url.trim(), headers: headersOf(form.headers), request_lifespan, ...others, ...shared },
		...metadata,
	};
}

/** The headers of a text with one `name: value` a line. Fails with `BadForm`. */
export function headersOf(text: string): Record<string, string> {
	const headers: Record<string, string> = {};
	for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
		const [, name, value] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
		if (name === undefined || value === undefined) throw new BadForm(`This is no header: ${line.trim()}`);
		headers[name] = value;
	}
	return headers;
}
