import assert from "node:assert/strict";
import { test } from "node:test";
import { amount, bytes, cell, many, milliseconds, readable, relative } from "./words.ts";

test("times are told from now, in their largest unit", () => {
	const now = 10_000_000_000;
	const cases: [number, string][] = [
		[0, "now"], [-5000, "5 s ago"], [-119_000, "1 min ago"], [-7_300_000, "2 h ago"], [-90_000_000, "1 d ago"], [61_000, "in 1 min"],
	];
	for (const [offset, told] of cases) assert.equal(relative(now + offset, now), told);
});

test("numbers have as many digits as say something", () => {
	assert.deepEqual([0, 0.4159, 3, 12.34, 99.96, 1234.5].map(amount), ["0", "0.42", "3", "12.3", "100", "1,235"]);
	assert.deepEqual([12, 1024, 15_000, 5_000_000_000].map(bytes), ["12 B", "1.0 KiB", "15 KiB", "4.7 GiB"]);
	assert.deepEqual([undefined, 0.123, 4.56, 45.6, 1200].map(milliseconds), ["–", "0.12 ms", "4.6 ms", "46 ms", "1.2 s"]);
	assert.deepEqual([many(1, "actor"), many(2, "actor"), many(0, "entry", "entries")], ["1 actor", "2 actors", "0 entries"]);
});

test("cells tell NULL, text and bytes apart", () => {
	assert.deepEqual([null, "a", 1, [0, 255]].map(cell), ["NULL", "a", "1", "x'00ff' (2 B)"]);
	assert.equal(cell(Array(30).fill(1)).includes("…"), true);
});

test("bytes that are text are shown as text, others in hexadecimal", () => {
	assert.deepEqual(readable(btoa("plain")), { text: "plain", isText: true });
	assert.deepEqual(readable(btoa("\u0003")), { text: "03", isText: false });
	assert.deepEqual(readable(btoa("\u00ff")), { text: "ff", isText: false });
});
