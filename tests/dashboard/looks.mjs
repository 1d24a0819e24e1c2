// Every page, in both themes, wide and narrow: nothing that axe objects to, nothing that sticks out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { TOKEN, until } from "./bed.mjs";
import { SCREENS, Tab, THEMES } from "./browser.mjs";

export function looks(shared) {
	const { bed, pictures, ids } = shared;

	/** One page, as everybody may see it. */
	function page(name, place, prepare = async () => {}) {
		test(`the page "${name}" looks right in both themes, wide and narrow`, async () => {
			const tab = await Tab.open(shared.browser, bed.origin);
			if (name !== "sign-in") {
				await tab.visit();
				await tab.signIn(TOKEN);
			}
			await tab.visit(place(ids));
			await prepare(tab.page, tab);
			await tab.settle();
			const wrong = [];
			for (const [screen, size] of Object.entries(SCREENS)) {
				await tab.page.setViewportSize(size);
				for (const theme of THEMES) {
					// Nobody reaches the switch behind a dialog.
					await tab.page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
					const at = `${name}-${screen}-${theme}`;
					wrong.push(...(await tab.violations()).map((words) => `${at}: ${words}`));
					if (await tab.overflows()) wrong.push(`${at}: the page is wider than the screen`);
					if (pictures !== undefined) await tab.page.screenshot({ path: `${pictures}/${at}.png` });
				}
			}
			assert.deepEqual(wrong, []);
			await tab.close();
		});
	}

	page("sign-in", () => "");
	page("namespaces", () => "#/namespaces");
	page("new-namespace", () => "#/namespaces", async (page) => {
		await page.getByRole("button", { name: "New namespace" }).click();
	});
	page("overview", () => "#/ns/default/overview", async (page) => {
		// A rate needs two readings.
		await page.getByText(/^[\d.]+\/s$/).first().waitFor();
	});
	page("actors", () => "#/ns/default/actors");
	page("actors-none", () => "#/ns/default/actors?q=nobody-has-this-key");
	page("actors-destroyed", () => "#/ns/default/actors?state=destroyed");
	page("actor-life", ({ counter }) => `#/ns/default/actors/${counter}`);
	page("actor-crashed", ({ crashed }) => `#/ns/default/actors/${crashed}`);
	page("actor-asleep", ({ asleep }) => `#/ns/default/actors/${asleep}/state`);
	page("actor-state", ({ counter }) => `#/ns/default/actors/${counter}/state`);
	page("actor-edit-state", ({ counter }) => `#/ns/default/actors/${counter}/state`, async (page) => {
		await page.getByRole("button", { name: "Edit" }).click();
	});
	page("actor-sql", ({ notes }) => `#/ns/default/actors/${notes}/sql`, async (page) => {
		await page.getByLabel("SQL").fill("select id, body, length(body) as size from notes");
		await page.getByRole("button", { name: "Run" }).click();
		await page.getByText(/rows after/).waitFor();
	});
	page("actor-sql-error", ({ notes }) => `#/ns/default/actors/${notes}/sql`, async (page, tab) => {
		await page.getByLabel("SQL").fill("select nonsense");
		await page.getByRole("button", { name: "Run" }).click();
		await page.getByText("no such column: nonsense").waitFor();
		tab.forgive(/database\/execute/);
	});
	page("actor-actions", ({ counter }) => `#/ns/default/actors/${counter}/actions`, async (page) => {
		await page.getByLabel("Action", { exact: true }).selectOption("getCount");
		await page.getByRole("button", { name: "Call getCount" }).click();
		await page.getByText(/getCount answered/).waitFor();
	});
	page("actor-queue", ({ worker }) => `#/ns/default/actors/${worker}/queue`, awake("Queue"));
	page("actor-workflow", ({ stepper }) => `#/ns/default/actors/${stepper}/workflow`, awake("Workflow"));
	page("actor-connections", ({ counter }) => `#/ns/default/actors/${counter}/connections`);
	page("actor-entries", ({ counter }) => `#/ns/default/actors/${counter}/entries`);
	page("actor-destroy", ({ counter }) => `#/ns/default/actors/${counter}`, async (page) => {
		await page.getByRole("button", { name: "Destroy" }).click();
	});
	page("envoys", () => "#/ns/default/envoys");
	page("pools", () => "#/ns/default/pools");
	page("pool", () => "#/ns/default/pools", async (page) => {
		await page.getByRole("button", { name: "Edit far-away" }).click();
	});
	page("tokens", () => "#/ns/default/tokens");
	page("new-secret-token", () => "#/ns/default/tokens", async (page) => {
		await page.getByRole("button", { name: "New secret token" }).click();
		await page.getByLabel("Name", { exact: true }).fill("ci");
		await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
		await page.getByRole("group", { name: "The new secret token" }).waitFor();
	});
	page("new-scoped-token", () => "#/ns/default/tokens", async (page) => {
		await page.getByRole("button", { name: "New scoped token" }).click();
		await page.getByLabel("Which actors").selectOption("name");
		await page.getByRole("button", { name: "Add a grant" }).click();
	});
	page("scoped-token", () => "#/ns/default/tokens", async (page) => {
		await page.getByRole("button", { name: "New scoped token" }).click();
		await page.getByLabel("Subject").fill("ann");
		await page.getByRole("button", { name: "Issue" }).click();
		await page.getByRole("group", { name: "The new scoped token" }).waitFor();
	});
	page("revoke-token", () => "#/ns/default/tokens", async (page) => {
		await page.getByRole("button", { name: "Revoke web shop" }).click();
	});
	page("rotate-keys", () => "#/ns/default/tokens", async (page) => {
		await page.getByRole("button", { name: "Rotate" }).click();
		await page.getByLabel(/^End all scoped tokens/).check();
	});
	page("storage", () => "#/storage", async (page) => {
		await page.getByRole("button", { name: "Make a backup" }).click();
		await page.getByRole("row").filter({ hasText: "Download" }).first().waitFor();
	});
	page("drain", () => "#/storage", async (page) => {
		await page.getByRole("button", { name: "Drain" }).click();
		await page.getByRole("dialog").waitFor();
	});
	page("audit", () => "#/audit");
	page("no-namespace", () => "#/ns/nowhere/envoys", async (page, tab) => {
		await page.getByText("The namespace does not exist.").waitFor();
		tab.forgive(/envoys/);
	});
}

/** Wakes an actor that had nothing to do until somebody looked, and waits for a part of its page. */
const awake = (part) => async (page) => {
	const shown = page.getByRole("region", { name: part, exact: true });
	const wake = page.locator(".empty").getByRole("button", { name: "Wake" });
	await shown.or(wake).first().waitFor();
	if (await wake.isVisible()) await wake.click();
	await shown.waitFor();
};

/** Things to look at, made by real clients. */
export async function furnish(bed) {
	const client = bed.client();
	const counter = client.counter.getOrCreate(["room", "1"], { createWithInput: { start: 41 } });
	await counter.increment(1);
	const notes = client.notes.getOrCreate(["shopping"]);
	for (const body of ["bread", "a longer note, so that there is something to break over several lines on a phone", "salt"]) {
		await notes.add(body);
	}
	const stepper = client.stepper.getOrCreate(["order-7"]);
	await stepper.send("work", "pick");
	await until("the workflow has a step", async () => (await stepper.done()).length > 0);
	const worker = client.worker.getOrCreate(["sums"]);
	await worker.send("numbers", 3);
	const asleep = client.counter.getOrCreate(["asleep"]);
	await asleep.increment(1);
	const gone = client.counter.getOrCreate(["gone"]);
	await gone.increment(1);
	const ids = {
		counter: await counter.resolve(),
		notes: await notes.resolve(),
		stepper: await stepper.resolve(),
		worker: await worker.resolve(),
		asleep: await asleep.resolve(),
	};
	await bed.api("DELETE", `actors/${await gone.resolve()}?namespace=default`);
	await bed.api("POST", `actors/${ids.asleep}/sleep?namespace=default`, {});
	// An actor of a pool that nobody serves waits, and says why.
	await bed.api("PUT", "runner-configs/far-away?namespace=default", {
		datacenters: { default: { serverless: { url: "http://127.0.0.1:9/api/rivet", request_lifespan: 30, drain_grace_period: 10, headers: { "x-site": "north" } } } },
	});
	await bed.api("POST", "auth/public-tokens?namespace=default", { name: "web shop" });
	await bed.api("POST", "auth/public-tokens?namespace=default", {});
	await bed.api("POST", "auth/secret-tokens?namespace=default", { name: "the app servers in the north" });
	const waits = { name: "counter", key: "waits", runner_name_selector: "far-away", crash_policy: "sleep" };
	ids.crashed = (await bed.api("PUT", "actors?namespace=default", waits)).actor.actor_id;
	const state = async (id) => (await bed.api("GET", `actors?namespace=default&actor_id=${id}`)).actors[0];
	await until("an actor sleeps", async () => (await state(ids.asleep)).connectable_ts === null);
	await until("an actor has an error", async () => (await state(ids.crashed)).error !== undefined);
	// A stranger's attempt, which the audit log shows as refused.
	await fetch(`${bed.origin}/namespaces`, { method: "POST", headers: { authorization: "Bearer nonsense" } });
	await client.dispose();
	return ids;
}
