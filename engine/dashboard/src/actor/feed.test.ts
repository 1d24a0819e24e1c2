import assert from "node:assert/strict";
import { test } from "node:test";
import type { Actor } from "../engine/api.ts";
import { Feed, type ReadPage } from "./feed.ts";

const actor = (name: string, create_ts: number) => ({ name, create_ts, actor_id: `${name}${create_ts}` }) as Actor;
const any = () => true;

/** Lists by name, read in pages of two; `reads` counts the pages. */
function lists(of: Record<string, number[]>) {
	const told = { reads: 0 };
	const read: ReadPage = async (name, cursor) => {
		told.reads += 1;
		const from = Number(cursor ?? 0);
		const actors = (of[name] ?? []).slice(from, from + 2).map((ts) => actor(name, ts));
		return { actors, cursor: actors.length === 0 ? undefined : String(from + 2) };
	};
	return { read, told };
}

test("the lists of several names become one, newest first", async () => {
	const { read } = lists({ a: [9, 5, 1], b: [8, 7, 2], c: [] });
	const feed = new Feed(["a", "b", "c"], read);

	const first = await feed.next(4, any, 100);
	const second = await feed.next(4, any, 100);

	assert.deepEqual(first.actors.map(({ create_ts }) => create_ts), [9, 8, 7, 5]);
	assert.equal(first.isEnded, false);
	assert.deepEqual(second.actors.map(({ create_ts }) => create_ts), [2, 1]);
	assert.equal(second.isEnded, true);
});

test("a page that ends with the last actor says that there are no more", async () => {
	const { read } = lists({ a: [2, 1] });
	assert.equal((await new Feed(["a"], read).next(2, any, 100)).isEnded, true);
});

test("a filter that fits nothing stops after a bounded number of actors", async () => {
	const { read, told } = lists({ a: Array.from({ length: 1000 }, (_, index) => 1000 - index) });
	const feed = new Feed(["a"], read);

	const { actors, isEnded } = await feed.next(10, () => false, 20);

	assert.deepEqual([actors.length, isEnded, feed.looked], [0, false, 20]);
	assert.ok(told.reads <= 11, `${told.reads} pages`);
});

test("no names, no actors", async () => {
	assert.deepEqual(await new Feed([], lists({}).read).next(10, any, 10), { actors: [], isEnded: true });
});
