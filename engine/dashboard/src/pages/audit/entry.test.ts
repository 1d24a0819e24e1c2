import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditEntry } from "../../engine/audit.ts";
import { fits, whoOf } from "./entry.ts";

const entry: AuditEntry = {
	number: 7, ts: 1, actor: { kind: "scoped", token_id: "tok1", subject: "Ann" }, address: "10.0.0.5", method: "DELETE",
	path: "/actors/abc", namespace: "shop", status: 403, error: "api.forbidden", ray_id: "ray1",
};

test("an entry says who it was", () => {
	assert.equal(whoOf(entry), "scoped token of Ann");
	assert.equal(whoOf({ ...entry, actor: { kind: "nobody" } }), "nobody, no valid token");
	assert.equal(whoOf({ ...entry, actor: { kind: "visitor" } }), "visitor");
});

test("a filter finds entries by all of its words, in any case and order", () => {
	for (const text of ["", "ANN", "403 delete", "shop  abc ", "10.0.0.5 forbidden tok1"]) assert.ok(fits(entry, text), text);
	for (const text of ["bob", "delete 200"]) assert.ok(!fits(entry, text), text);
});
