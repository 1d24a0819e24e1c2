import assert from "node:assert/strict";
import { test } from "node:test";
import { filtered, href, parse } from "./route.ts";

test("an address names the place that it was made of", () => {
	assert.deepEqual(parse(href("a b/c", "actors", "id", "state")), {
		page: "actors", namespace: "a b/c", actorId: "id", tab: "state", filter: {},
	});
	assert.deepEqual(parse(filtered("x", "actors", { q: "a&b", state: "" })), {
		page: "actors", namespace: "x", filter: { q: "a&b" },
	});
});

test("what names no place leads to the namespaces", () => {
	for (const hash of ["", "#", "#/", "#/namespaces", "#/ns", "#/ns/", "#nonsense"]) {
		assert.deepEqual(parse(hash), { page: "namespaces" }, hash);
	}
});

test("a namespace alone is its overview, and a broken code stands for itself", () => {
	assert.deepEqual(parse("#/ns/x"), { page: "overview", namespace: "x", filter: {} });
	assert.deepEqual(parse("#/ns/%E0"), { page: "overview", namespace: "%E0", filter: {} });
});

test("the audit log is of the whole engine, and has an address without a namespace", () => {
	assert.deepEqual(parse("#/audit"), { page: "audit" });
});
