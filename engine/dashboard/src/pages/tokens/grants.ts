// A scoped token as a form, and what the form asks for. Pure.
import type { Grant, Operation, Resource, Target, Wish } from "../../engine/tokens.ts";

export interface GrantForm {
	resource: Resource;
	target: "any" | "id" | "name";
	id: string;
	name: string;
	key: string;
	operations: readonly Operation[];
}

export interface Form {
	subject: string;
	/** How long it lasts. */
	minutes: string;
	grants: readonly GrantForm[];
}

interface Offer {
	resource: Resource;
	label: string;
	/** Whether it can be about some actors only. */
	isAboutActors: boolean;
	/** What can be done, in words. Operations that open nothing there are left out. */
	operations: Partial<Record<Operation, string>>;
}

/** After the table in docs/authorization.md. */
export const OFFERS: readonly Offer[] = [
	{ resource: "actor_gateway", label: "Calling actors", isAboutActors: true, operations: { read: "find and call", create: "create by key" } },
	{
		resource: "actor",
		label: "Actors, over the API",
		isAboutActors: true,
		operations: { read: "find", list: "list", create: "create", update: "put to sleep and move", delete: "destroy" },
	},
	{ resource: "actor_kv", label: "Entries of actors", isAboutActors: true, operations: { read: "read" } },
	{ resource: "envoy", label: "Envoys", isAboutActors: false, operations: { list: "list", create: "connect as an app" } },
	{ resource: "runner_config", label: "Pools", isAboutActors: false, operations: { list: "list", update: "write and check", delete: "delete" } },
	{ resource: "datacenter", label: "Datacenters", isAboutActors: false, operations: { list: "list" } },
];

/** The most grants of a token, and the most minutes that it lasts, as the engine has them. */
export const GRANTS_MAX = 32;
export const MINUTES_MAX = 1440;

export class BadWish extends Error {}

export const newGrant = (): GrantForm => ({ resource: "actor_gateway", target: "any", id: "", name: "", key: "", operations: ["read"] });

export const newForm = (): Form => ({ subject: "", minutes: "60", grants: [newGrant()] });

export function offerOf(resource: Resource): Offer {
	const found = OFFERS.find((offer) => offer.resource === resource);
	if (found === undefined) throw new BadWish(`Nobody can grant ${resource}.`);
	return found;
}

/** What a grant can allow: one of an id creates and lists nothing. */
export function operationsOf({ resource, target }: GrantForm): [Operation, string][] {
	const all = Object.entries(offerOf(resource).operations) as [Operation, string][];
	return target === "id" ? all.filter(([operation]) => operation !== "create" && operation !== "list") : all;
}

/** The grant after a change; what no longer goes with it is taken out. */
export function changed(grant: GrantForm, part: Partial<GrantForm>): GrantForm {
	const next = { ...grant, ...part };
	if (!offerOf(next.resource).isAboutActors) next.target = "any";
	const possible = operationsOf(next).map(([operation]) => operation);
	return { ...next, operations: next.operations.filter((operation) => possible.includes(operation)) };
}

/** What a form asks for. Fails with `BadWish`. */
export function wishOf({ subject, minutes, grants }: Form): Wish {
	const lasts = Number(minutes);
	if (!/^\d+$/.test(minutes.trim()) || lasts < 1 || lasts > MINUTES_MAX) {
		throw new BadWish(`A token lasts 1 to ${MINUTES_MAX} minutes.`);
	}
	const whom = subject.trim();
	return { ...(whom === "" ? {} : { subject: whom }), duration: lasts * 60, grants: grants.map(grantOf) };
}

function grantOf(grant: GrantForm, index: number): Grant {
	const { resource, operations } = grant;
	if (operations.length === 0) throw new BadWish(`Grant ${index + 1} allows nothing: choose what may be done.`);
	return { resource, target: targetOf(grant, index), operations: [...operations] };
}

function targetOf({ target, id, name, key }: GrantForm, index: number): Target {
	if (target === "any") return "any";
	// What is left empty must not become more than was meant.
	const [wanted, what] = target === "id" ? [id.trim(), "id"] : [name.trim(), "name"];
	if (wanted === "") throw new BadWish(`Grant ${index + 1} needs the ${what} of the actor.`);
	if (target === "id") return { id: wanted };
	return { name: wanted, ...(key === "" ? {} : { key }) };
}
