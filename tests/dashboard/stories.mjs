// What people do with the dashboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SECOND_TOKEN, TOKEN, until } from "./bed.mjs";
import { Tab } from "./browser.mjs";

/** Tells stories of somebody who is signed in. The tab ends without a fault, and without having asked anybody else. */
export const teller = (shared) => (name, tell) =>
	test(name, async () => {
		const tab = await Tab.open(shared.browser, shared.bed.origin);
		await tab.visit();
		await tab.signIn(TOKEN);
		await tell(tab.page, tab);
		await tab.close();
	});

export function stories(shared) {
	const { bed } = shared;
	const story = teller(shared);

	test("a stranger sees a door, a wrong token is told so, and the token leaves with the session", async () => {
		const tab = await Tab.open(shared.browser, bed.origin);
		const { page } = tab;
		await tab.page.goto(`${bed.origin}/`);
		assert.equal(page.url(), `${bed.origin}/ui/`);

		await page.getByLabel("Token", { exact: true }).fill("wrong-token-wrong-token-wrong-token");
		await page.getByRole("button", { name: "Sign in" }).click();
		await page.getByText("The engine does not take this token.").waitFor();
		tab.forgive(/403/);

		await tab.signIn(TOKEN);
		await page.reload();
		await page.getByRole("heading", { name: "Namespaces" }).waitFor();
		const kept = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
		assert.match(await kept(), new RegExp(TOKEN));
		assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie), new RegExp(TOKEN));

		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByLabel("Token", { exact: true }).waitFor();
		assert.doesNotMatch(await kept(), new RegExp(TOKEN));
		for (const request of tab.requests) assert.doesNotMatch(request.url(), new RegExp(TOKEN));
		// Another tab knows nothing of it.
		const other = await tab.context.newPage();
		await other.goto(`${bed.origin}/ui/`);
		await other.getByLabel("Token", { exact: true }).waitFor();
		await tab.close();
	});

	story("somebody makes a namespace, and an app that connects to it appears", async (page, tab) => {
		await page.getByRole("button", { name: "New namespace" }).click();
		await page.getByLabel("Name", { exact: true }).fill("workshop");
		await page.getByLabel("Display name").fill("The workshop");
		await page.getByRole("button", { name: "Create" }).click();
		await page.getByRole("heading", { name: "Overview" }).waitFor();
		assert.match(page.url(), /#\/ns\/workshop\/overview$/);
		assert.equal(await page.getByLabel("Namespace", { exact: true }).inputValue(), "workshop");

		await page.getByRole("link", { name: "Envoys" }).click();
		await page.getByText("No envoy is connected").waitFor();
		await bed.startApp("workshop");
		await page.getByRole("cell", { name: "2.3.19" }).waitFor();

		await page.getByRole("link", { name: "Actors" }).click();
		await page.getByText("No actors yet").waitFor();
		const client = bed.client("workshop");
		await client.counter.getOrCreate(["first"]).increment(1);
		await client.dispose();
		await page.getByRole("link", { name: "counter first" }).waitFor();
		await tab.settle();
	});

	story("a name that is taken is refused in the dialog, which stays", async (page, tab) => {
		await page.getByRole("button", { name: "New namespace" }).click();
		await page.getByLabel("Name", { exact: true }).fill("default");
		await page.getByRole("button", { name: "Create" }).click();
		await page.getByText("Namespace name must be unique.").waitFor();
		await page.getByText("namespace.name_not_unique").waitFor();
		tab.forgive(/namespaces/);
		await page.getByRole("button", { name: "Cancel" }).click();
		await page.getByRole("dialog").waitFor({ state: "detached" });
	});

	story("an actor of a real app is found, called, looked into and destroyed", async (page) => {
		const client = bed.client();
		const actor = client.counter.getOrCreate(["from-the-story"]);
		await actor.increment(2);
		const id = await actor.resolve();

		await page.getByLabel("Namespace", { exact: true }).selectOption("default");
		await page.getByRole("link", { name: "Actors", exact: true }).click();
		await page.keyboard.press("/");
		await page.keyboard.type("from-the-story");
		await page.getByText("1 actor", { exact: true }).waitFor();
		await page.getByRole("link", { name: "counter from-the-story" }).click();
		await page.getByText("running", { exact: true }).waitFor();
		const [{ envoy_key }] = (await bed.api("GET", "envoys?namespace=default")).envoys;
		await page.getByRole("region", { name: "Where it runs" }).getByText(envoy_key).waitFor();

		await page.getByRole("link", { name: "Actions" }).click();
		await page.getByLabel("Action", { exact: true }).selectOption("increment");
		await page.getByLabel("Arguments").fill("[40]");
		await page.getByRole("button", { name: "Call increment" }).click();
		await page.getByLabel("Answer").getByText("42", { exact: true }).waitFor();
		assert.equal(await actor.getCount(), 42);

		await page.getByRole("link", { name: "State", exact: true }).click();
		await page.getByRole("region", { name: "State" }).getByText("42", { exact: true }).waitFor();
		await page.getByRole("button", { name: "Edit" }).click();
		await page.getByLabel("State, as JSON").fill('{"count": 7, "wakes": 1}');
		await page.getByRole("button", { name: "Replace the state" }).click();
		await page.getByRole("region", { name: "State" }).getByText("7", { exact: true }).waitFor();
		assert.equal(await actor.getCount(), 7);

		await page.getByRole("button", { name: "Destroy" }).click();
		await page.getByRole("heading", { name: "Destroy counter from-the-story?" }).waitFor();
		await page.getByRole("button", { name: "Destroy counter from-the-story" }).click();
		await page.getByText("destroyed", { exact: true }).waitFor();
		const [row] = (await bed.api("GET", `actors?namespace=default&actor_id=${id}`)).actors;
		assert.notEqual(row.destroy_ts, null);
		await client.dispose();
	});

	story("an action that fails shows what the app said", async (page, tab) => {
		const client = bed.client();
		const actor = client.counter.getOrCreate(["fails"]);
		await actor.increment(1);
		await tab.visit(`#/ns/default/actors/${await actor.resolve()}/actions`);
		await page.getByLabel("Action", { exact: true }).selectOption("fail");
		await page.getByRole("button", { name: "Call fail" }).click();
		await page.getByText("on purpose").waitFor();
		tab.forgive(/action\/fail/);
		await client.dispose();
	});

	story("tables and rows of an actor's database are read, and a statement writes", async (page, tab) => {
		const client = bed.client();
		const notes = client.notes.getOrCreate(["database"]);
		for (let index = 0; index < 55; index += 1) await notes.add(`note ${index}`);
		await tab.visit(`#/ns/default/actors/${await notes.resolve()}/sql`);

		const tables = page.getByRole("region", { name: "Tables", exact: true });
		await tables.getByText("1 to 50 of 55 rows").waitFor();
		await tables.getByRole("cell", { name: "note 49" }).waitFor();
		await tables.getByRole("button", { name: "On" }).click();
		await tables.getByText("51 to 55 of 55 rows").waitFor();

		await page.getByLabel("SQL").fill("insert into notes (body) values ('by hand') returning id, body");
		await page.keyboard.press("Control+Enter");
		await page.getByLabel("Result").first().getByRole("cell", { name: "by hand" }).waitFor();
		assert.equal((await notes.list()).at(-1), "by hand");

		await page.getByLabel("rivetkit's own tables").check();
		await page.getByRole("button", { name: /_rivet_actor / }).waitFor();
		await client.dispose();
	});

	story("a sleeping actor is left alone until somebody wakes it", async (page, tab) => {
		const client = bed.client();
		const actor = client.counter.getOrCreate(["sleeper"]);
		await actor.increment(3);
		const id = await actor.resolve();
		await client.dispose();

		await tab.visit(`#/ns/default/actors/${id}/state`);
		await page.getByRole("button", { name: "Sleep" }).click();
		await page.getByText("The actor sleeps").waitFor();
		const before = await bed.api("GET", `actors/${id}/placement?namespace=default`);
		await page.waitForResponse((answer) => answer.url().includes("/placement"));
		await page.waitForResponse((answer) => answer.url().includes("/placement"));
		assert.deepEqual(await bed.api("GET", `actors/${id}/placement?namespace=default`), before);

		await page.locator(".empty").getByRole("button", { name: "Wake" }).click();
		await page.getByRole("region", { name: "State" }).getByText("3", { exact: true }).waitFor();
		const after = await bed.api("GET", `actors/${id}/placement?namespace=default`);
		assert.deepEqual([after.state, after.generation], ["running", before.generation + 1]);
	});

	story("actors are found by state, by name, and by their whole id", async (page, tab) => {
		const client = bed.client();
		const actor = client.worker.getOrCreate(["to-be-found"]);
		await actor.sum();
		const id = await actor.resolve();
		await client.dispose();

		await tab.visit("#/ns/default/actors");
		await page.getByLabel("Name", { exact: true }).selectOption("worker");
		await page.getByRole("link", { name: "worker to-be-found" }).waitFor();
		await page.getByRole("link", { name: /^counter/ }).first().waitFor({ state: "detached" });
		await page.getByLabel("State", { exact: true }).selectOption("crashed");
		await page.getByText("No actor fits").waitFor();
		await page.getByRole("link", { name: "Show all" }).click();
		await page.getByLabel("Key or id").fill(id);
		await page.getByText("1 actor", { exact: true }).waitFor();
		await page.getByRole("link", { name: "worker to-be-found" }).waitFor();
		// The filter is part of the address, and so survives a reload.
		await page.reload();
		await page.getByText("1 actor", { exact: true }).waitFor();
	});

	story("a message reaches the queue, and a value is read from the entries", async (page, tab) => {
		const client = bed.client();
		const worker = client.worker.getOrCreate(["by-hand"]);
		await worker.sum();
		const id = await worker.resolve();
		await tab.visit(`#/ns/default/actors/${id}/queue`);
		await page.getByRole("button", { name: "Send a message" }).click();
		await page.getByRole("textbox", { name: "Queue" }).fill("numbers");
		await page.getByLabel("Message, as JSON").fill("30");
		await page.getByRole("button", { name: "Send", exact: true }).click();
		await until("the actor has taken it", async () => (await worker.sum()) === 30);
		await client.dispose();

		await page.getByRole("link", { name: "Entries" }).click();
		const token = (await bed.api("GET", `actors/${id}/kv/keys/Aw%3D%3D?namespace=default`)).value;
		await page.getByText("the inspector's token").waitFor();
		assert.ok(!(await page.content()).includes(atob(token)));
	});

	story("a pool is made, checked, changed and deleted", async (page) => {
		await page.getByLabel("Namespace", { exact: true }).selectOption("default");
		await page.getByRole("link", { name: "Pools" }).click();
		await page.getByRole("button", { name: "New pool" }).click();
		await page.getByLabel("Name", { exact: true }).fill("cloud");
		await page.getByLabel(/^Serverless/).check();
		await page.getByLabel(/^URL/).fill("http://127.0.0.1:9/api/rivet");
		await page.getByRole("button", { name: "Check the URL" }).click();
		await page.locator(".health-check .bad").waitFor();
		await page.getByLabel(/^Actors at once/).fill("12");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByText("Saved the pool cloud.").waitFor();
		const config = async () => (await bed.api("GET", "runner-configs?namespace=default")).runner_configs.cloud?.datacenters.default;
		assert.equal((await config()).serverless.max_concurrent_actors, 12);

		await page.getByRole("button", { name: "Edit cloud" }).click();
		await page.getByLabel(/^Headers/).fill("x-site: south");
		await page.getByRole("button", { name: "Save" }).click();
		await page.getByRole("dialog").waitFor({ state: "detached" });
		assert.deepEqual((await config()).serverless.headers, { "x-site": "south" });
		assert.equal((await config()).serverless.max_concurrent_actors, 12);

		await page.getByRole("button", { name: "Delete cloud" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Delete cloud" }).click();
		await page.getByText("Deleted the pool cloud.").waitFor();
		assert.equal(await config(), undefined);
	});

	story("everything is reached by keyboard, and a dialog keeps the focus until Esc", async (page, tab) => {
		await tab.visit("#/ns/default/actors");
		await page.keyboard.press("/");
		assert.equal(await page.evaluate(() => document.activeElement.type), "search");
		await page.keyboard.press("Escape");
		assert.equal(await page.evaluate(() => document.activeElement.tagName), "BODY");

		await page.reload();
		await page.keyboard.press("Tab");
		assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
		await page.keyboard.press("Enter");
		assert.equal(await page.evaluate(() => document.activeElement.id), "main");
		assert.match(page.url(), /#\/ns\/default\/actors$/);

		await tab.visit("#/ns/default/pools");
		const opener = page.getByRole("button", { name: "New pool" });
		await opener.focus();
		await page.keyboard.press("Enter");
		await page.getByRole("dialog").waitFor();
		for (let press = 0; press < 12; press += 1) {
			await page.keyboard.press("Tab");
			// The browser's own buttons are in the round; nothing of the page behind is.
			const isOutside = await page.evaluate(() => document.activeElement.closest("main, nav") !== null && document.activeElement.closest("dialog") === null);
			assert.equal(isOutside, false);
		}
		await page.keyboard.press("Escape");
		await page.getByRole("dialog").waitFor({ state: "detached" });
		assert.equal(await opener.evaluate((button) => button === document.activeElement), true);
	});

	test("the theme is the system's until somebody chooses", async () => {
		const tab = await Tab.open(shared.browser, bed.origin, { colorScheme: "dark" });
		await tab.visit();
		const shows = (theme) => tab.page.locator(`html[data-theme="${theme}"]`).waitFor({ state: "attached" });
		await shows("dark");
		await tab.page.emulateMedia({ colorScheme: "light" });
		await shows("light");
		await tab.useTheme("dark");
		await tab.page.reload();
		await shows("dark");
		await tab.close();
	});

	story("the page's policy lets nothing in from elsewhere", async (page, tab) => {
		const tried = await page.evaluate(async () => {
			const outcome = [];
			await fetch("http://127.0.0.1:1/").catch(() => outcome.push("fetch"));
			try {
				document.body.insertAdjacentHTML("beforeend", "<p>x</p>");
			} catch {
				outcome.push("markup");
			}
			// What the test itself has evaluated may do more, until it waits.
			await new Promise((done) => setTimeout(done));
			try {
				Function("return 1")();
			} catch {
				outcome.push("code");
			}
			return outcome;
		});
		assert.deepEqual(tried, ["fetch", "markup", "code"]);
		// The browser tells what it stopped a moment later.
		await until("all three are told", async () => tab.faults.filter((fault) => fault.startsWith("policy:")).length >= 3);
		tab.forgive(/policy: connect-src/);
		tab.forgive(/policy: (require-trusted-types-for|script-src)/);
		tab.forgive(/^console:/);
		tab.requests = tab.requests.filter((request) => !request.url().startsWith("http://127.0.0.1:1/"));
	});

	test("a token that is taken away leads back to the door", async () => {
		const tab = await Tab.open(shared.browser, bed.origin);
		await tab.visit();
		await tab.signIn(SECOND_TOKEN);
		await tab.visit("#/ns/default/envoys");
		bed.tokens(["another-token-another-token-another-0"]);
		await tab.page.getByText("The token is not valid any more.").waitFor();
		assert.equal(await tab.page.evaluate(() => sessionStorage.length), 0);
		tab.forgive(/403/);
		await tab.close();
	});

	story("an engine that goes away is missed, and found again when it is back", async (page, tab) => {
		await tab.visit("#/ns/default/overview");
		await bed.stopEngine();
		await page.getByText("The engine does not answer.").waitFor();
		// What was known stays to be seen.
		await page.getByText("Actors of default").waitFor();
		tab.forgive(/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/);
		await bed.startEngine();
		await page.getByText("The engine does not answer.").waitFor({ state: "detached" });
		tab.faults = tab.faults.filter((fault) => !/ERR_CONNECTION/.test(fault));
	});
}
