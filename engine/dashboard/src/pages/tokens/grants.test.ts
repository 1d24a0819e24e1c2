import assert from "node:assert/strict";
import { test } from "node:test";
import { BadWish, changed, type GrantForm, newForm, newGrant, operationsOf, wishOf } from "./grants.ts";

const one = (part: Partial<GrantForm>) => ({ ...newForm(), grants: [{ ...newGrant(), ...part }] });

test("a form asks for what it says, with minutes as seconds", () => {
	const form = { ...one({ target: "name", name: " chat ", key: "room/1", operations: ["read", "create"] }), subject: " ann ", minutes: "5" };
	assert.deepEqual(wishOf(form), {
		subject: "ann",
		duration: 300,
		grants: [{ resource: "actor_gateway", target: { name: "chat", key: "room/1" }, operations: ["read", "create"] }],
	});
	assert.deepEqual(wishOf(newForm()), { duration: 3600, grants: [{ resource: "actor_gateway", target: "any", operations: ["read"] }] });
	assert.deepEqual(wishOf(one({ target: "name", name: "chat" })).grants[0]?.target, { name: "chat" });
	assert.deepEqual(wishOf(one({ target: "id", id: "abc" })).grants[0]?.target, { id: "abc" });
});

test("an id or a name that is left empty is refused, and never becomes any", () => {
	assert.throws(() => wishOf(one({ target: "id", id: " " })), /Grant 1 needs the id/);
	assert.throws(() => wishOf(one({ target: "name", key: "room" })), /Grant 1 needs the name/);
});

test("a grant of nothing and a length of time that is none are refused", () => {
	assert.throws(() => wishOf(one({ operations: [] })), /Grant 1 allows nothing/);
	for (const minutes of ["", "0", "1441", "1.5", "-1", "1e2"]) assert.throws(() => wishOf({ ...newForm(), minutes }), BadWish);
});

test("what does not go with a changed grant is taken out of it", () => {
	const grant: GrantForm = { ...newGrant(), target: "name", name: "chat", operations: ["read", "create"] };
	assert.deepEqual(changed(grant, { target: "id" }).operations, ["read"]);
	assert.deepEqual(changed(grant, { resource: "envoy" }), { ...grant, resource: "envoy", target: "any", operations: ["create"] });
	assert.deepEqual(operationsOf({ ...grant, resource: "actor", target: "id" }).map(([operation]) => operation), ["read", "update", "delete"]);
});
