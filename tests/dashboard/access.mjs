// Who may do what: tokens that people make in the dashboard open what they say to real clients, and nothing else.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { TOKEN } from "./bed.mjs";
import { Tab } from "./browser.mjs";
import { teller } from "./stories.mjs";

export function access(shared) {
	const { bed } = shared;
	const story = teller(shared);

	/** Whether the engine refuses what a client asks for because of its token. */
	const isRefused = (asked) =>
		asked.then(
			() => assert.fail("the token should not open this"),
			(error) => assert.equal(error.code, "forbidden", error),
		);

	/** What the page shows of a token that was just made. */
	const shownOnce = (page, kind) => page.getByRole("group", { name: `The new ${kind} token` });

	story("a scoped token for one actor opens that one alone to a real client, is in the audit log, and ends when it is revoked", async (page, tab) => {
		await page.getByRole("button", { name: "New namespace" }).click();
		await page.getByLabel("Name", { exact: true }).fill("vault");
		await page.getByRole("button", { name: "Create" }).click();
		await page.getByRole("heading", { name: "Overview" }).waitFor();
		await bed.startApp("vault");
		const admin = bed.client("vault");
		await admin.counter.getOrCreate(["mine"]).increment(1);
		await admin.counter.getOrCreate(["other"]).increment(1);

		await page.getByRole("link", { name: "Tokens" }).click();
		await page.getByRole("button", { name: "New scoped token" }).click();
		await page.getByLabel("Subject").fill("ann");
		await page.getByLabel("Lasts, in minutes").fill("5");
		await page.getByLabel("Which actors").selectOption("name");
		await page.getByLabel("Actor name").fill("counter");
		await page.getByLabel("Key", { exact: true }).fill("mine");
		await page.getByRole("button", { name: "Issue" }).click();
		const shown = shownOnce(page, "scoped");
		await shown.getByText("it is not shown again").waitFor();
		const [token, id] = await shown.locator("code").allTextContents();
		const { sub, jti, iat, exp, grants } = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
		assert.deepEqual([sub, jti, exp - iat], ["ann", id, 300]);
		assert.deepEqual(grants, [{ resource: "actor_gateway", target: { name: "counter", key: "mine" }, operations: ["read"] }]);
		assert.equal(await shown.locator("time").getAttribute("datetime"), new Date(exp * 1000).toISOString());

		const ann = bed.client("vault", token);
		assert.equal(await ann.counter.get(["mine"]).increment(1), 2);
		await isRefused(ann.counter.get(["other"]).getCount());
		await isRefused(ann.notes.getOrCreate(["mine"]).add("x"));
		const elsewhere = bed.client("default", token);
		await isRefused(elsewhere.counter.get(["room", "1"]).getCount());
		assert.equal(await admin.counter.get(["other"]).getCount(), 1);

		await page.getByRole("link", { name: "Audit log" }).click();
		await page.getByLabel("Filter what is read").fill(`vault ${id}`);
		const entry = page.getByRole("row").filter({ hasText: id });
		await entry.waitFor();
		for (const words of ["admin token", "POST /auth/tokens", "127.0.0.1", "200"]) {
			assert.ok((await entry.textContent()).includes(words), words);
		}
		assert.ok(!(await page.content()).includes(token));

		// It was shown once: nothing of it is left in the page or in the tab.
		await tab.visit("#/ns/vault/tokens");
		assert.equal(await shown.count(), 0);
		assert.ok(!(await page.content()).includes(token));
		assert.ok(!(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).includes(token));

		await page.getByRole("button", { name: "Revoke by id" }).click();
		await page.getByLabel("Token id").fill(id);
		await page.getByRole("button", { name: "Revoke", exact: true }).click();
		await page.getByText("Revoked the scoped token.").waitFor();
		await isRefused(ann.counter.get(["mine"]).getCount());
		assert.equal(await admin.counter.get(["mine"]).getCount(), 2);
		for (const client of [ann, elsewhere, admin]) await client.dispose();
	});

	story("a public token is copied when it is made, opens actors, and is revoked by whoever writes its name", async (page, tab) => {
		await tab.context.grantPermissions(["clipboard-read", "clipboard-write"]);
		await tab.visit("#/ns/default/tokens");
		await page.getByRole("button", { name: "New public token" }).click();
		await page.getByLabel("Name", { exact: true }).fill("shop (web)");
		await page.getByRole("button", { name: "Create" }).click();
		await shownOnce(page, "public").getByRole("button", { name: "Copy the token" }).click();
		await page.getByRole("button", { name: "Copied" }).waitFor();
		const token = await page.evaluate(() => navigator.clipboard.readText());
		assert.match(token, /^pk_/);
		const client = bed.client("default", token);
		assert.equal(await client.counter.getOrCreate(["by-public-token"]).increment(3), 3);

		await page.getByRole("button", { name: "I have it" }).click();
		assert.ok(!(await page.content()).includes(token));
		await page.getByRole("button", { name: "Revoke shop (web)" }).click();
		const dialog = page.getByRole("dialog");
		await dialog.getByLabel("Which one?").fill("shop");
		await dialog.getByRole("button", { name: "Revoke shop (web)" }).click();
		assert.equal(await dialog.getByLabel("Which one?").evaluate((field) => field.validity.patternMismatch), true);
		assert.equal(await client.counter.get(["by-public-token"]).getCount(), 3);
		await dialog.getByLabel("Which one?").fill("shop (web)");
		await dialog.getByRole("button", { name: "Revoke shop (web)" }).click();
		await page.getByRole("cell", { name: "shop (web)", exact: true }).waitFor({ state: "detached" });
		await isRefused(client.counter.get(["by-public-token"]).getCount());
		await client.dispose();
	});

	story("a rotated key signs, the old one verifies, and the scoped tokens of both end when somebody says so", async (page, tab) => {
		const body = { namespace: "default", grants: [{ resource: "actor", target: "any", operations: ["list"] }] };
		const { token } = await bed.api("POST", "auth/tokens", body);
		const status = async () => (await fetch(`${bed.origin}/actors/names?namespace=default`, { headers: { authorization: `Bearer ${token}` } })).status;
		await tab.visit("#/ns/default/tokens");
		await page.getByRole("button", { name: "Rotate" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
		await page.getByRole("cell", { name: "verifies" }).first().waitFor();
		assert.equal(await page.getByRole("cell", { name: "signs", exact: true }).count(), 1);
		assert.equal(await status(), 200);

		await page.getByRole("button", { name: "Rotate" }).click();
		await page.getByLabel(/^End all scoped tokens/).check();
		await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
		await page.getByText("all older scoped tokens have ended").waitFor();
		assert.equal(await status(), 403);
	});

	test("a secret token sees its part, is told calmly what is not for it, and stays signed in", async () => {
		const { token } = await bed.api("POST", "auth/secret-tokens?namespace=default", { name: "a-server" });
		const tab = await Tab.open(shared.browser, bed.origin);
		const { page } = tab;
		await tab.visit();
		await tab.signIn(token);
		await tab.visit("#/ns/default/tokens");
		await page.getByText("the secret tokens are not shown").waitFor();
		await page.getByText("the signing keys are not shown").waitFor();
		await page.getByRole("cell", { name: "web shop", exact: true }).waitFor();
		assert.equal(await page.getByRole("button", { name: "New secret token" }).count(), 0);
		assert.equal(await page.getByRole("button", { name: "Rotate" }).count(), 0);
		await page.getByRole("button", { name: "New scoped token" }).click();
		await page.getByRole("button", { name: "Issue" }).click();
		await shownOnce(page, "scoped").waitFor();

		await page.getByRole("link", { name: "Audit log" }).click();
		await page.getByText("Sign in with an admin token to read it.").waitFor();
		assert.equal(await page.getByRole("alert").count(), 0);
		await page.reload();
		await page.getByRole("heading", { name: "Audit log" }).waitFor();
		assert.notEqual(token, TOKEN);
		tab.forgive(/status of 403/);
		await tab.close();
	});

	test("a public token is told at the door what it is for", async () => {
		const { token } = await bed.api("POST", "auth/public-tokens?namespace=default", {});
		const tab = await Tab.open(shared.browser, bed.origin);
		await tab.visit();
		await tab.page.getByLabel("Token", { exact: true }).fill(token);
		await tab.page.getByRole("button", { name: "Sign in" }).click();
		await tab.page.getByText("This token is for calling actors.").waitFor();
		tab.forgive(/403/);
		await tab.close();
	});

	story("a backup is made and downloaded without a token in any address, and deleted", async (page, tab) => {
		await tab.visit("#/storage");
		const rows = page.getByRole("region", { name: "Backups that are kept" }).getByRole("row").filter({ hasText: "Download" });
		await page.getByRole("button", { name: "Make a backup" }).click();
		await page.getByText("Made a backup.").waitFor();
		const made = (await bed.api("GET", "admin/checkpoints")).checkpoints.length;
		await rows.nth(made - 1).waitFor();
		const addresses = [];
		page.on("request", (request) => addresses.push(request.url()));
		const started = page.waitForEvent("download");
		await rows.first().getByRole("button", { name: /^Download/ }).click();
		const download = await started;
		const archive = await readFile(await download.path());
		assert.match(download.suggestedFilename(), /^rivet-\d{8}T\d{6}Z-[0-9a-f]{8}\.tar$/);
		assert.equal(archive.subarray(0, 13).toString(), "manifest.json");
		assert.equal(archive.length % 512, 0);
		assert.ok(addresses.every((address) => !address.includes(TOKEN)), addresses.join(" "));

		await rows.first().getByRole("button", { name: /^Delete/ }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
		await page.getByText("Deleted the backup.").waitFor();
		await rows.nth(made - 1).waitFor({ state: "detached" });
		assert.equal(await rows.count(), made - 1);
	});

	story("the engine is drained before a planned stop, starts nothing meanwhile, and serves again", async (page, tab) => {
		await tab.visit("#/storage");
		const panel = page.getByRole("region", { name: "Planned stop" });
		await panel.getByText("serving", { exact: true }).waitFor();
		await panel.getByRole("button", { name: "Drain" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Drain" }).click();
		try {
			await panel.getByText("drained", { exact: true }).waitFor();
			assert.equal(await panel.getByText("Actors that run").locator("xpath=..").locator("dd").textContent(), "0");
			const actor = { name: "counter", key: "drained", runner_name_selector: "default", crash_policy: "sleep" };
			await assert.rejects(bed.api("POST", "actors?namespace=default", actor), /503|draining/);
		} finally {
			await panel.getByRole("button", { name: "Serve again" }).click();
		}
		await panel.getByText("serving", { exact: true }).waitFor();
	});

	story("with a secret token the overview says what it cannot show, and is no error", async (page, tab) => {
		const { token } = await bed.api("POST", "auth/secret-tokens?namespace=default", {});
		await page.getByRole("button", { name: "Sign out" }).click();
		await tab.signIn(token);
		await tab.visit("#/ns/default/overview");
		await page.getByText("Live figures are of the whole engine").waitFor();
		assert.equal(await page.getByRole("alert").count(), 0);
		tab.forgive(/figures/);
	});

	story("the audit log is read page by page, and what is read is filtered", async (page, tab) => {
		for (let index = 0; index < 101; index += 1) {
			await bed.api("DELETE", `runner-configs/nobody-${index}?namespace=default`).catch(() => {});
		}
		await tab.visit("#/audit");
		await page.getByText("100 entries of 100 read; there are older ones").waitFor();
		const first = page.getByRole("row").nth(1);
		assert.match(await first.textContent(), /nobody-100/);
		await page.getByRole("button", { name: "More" }).click();
		await page.getByText(/^\d+ entries of (?!100 )\d+ read/).waitFor();
		await page.keyboard.press("/");
		await page.keyboard.type("DELETE nobody-0");
		await page.getByText(/^1 entry of/).waitFor();

		await page.getByLabel("Filter what is read").fill("newcomer");
		await page.getByText(/^0 entries of/).waitFor();
		await bed.api("DELETE", "runner-configs/newcomer?namespace=default").catch(() => {});
		await page.getByRole("button", { name: "Read again" }).click();
		await page.getByText("1 entry of 100 read; there are older ones").waitFor();
	});
}
