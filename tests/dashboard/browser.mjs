// A real Chromium that is watched: where it asks, what it complains of, what its policy stops.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The page on a wide screen and on a phone. */
export const SCREENS = { wide: { width: 1280, height: 800 }, narrow: { width: 360, height: 740 } };
export const THEMES = ["light", "dark"];

export async function launch() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		// Root has no sandbox. No name resolves: what is not on this host is not there.
		args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
	});
}

/** A tab that remembers everything it must not do. */
export class Tab {
	static async open(browser, origin, options = {}) {
		const context = await browser.newContext({ viewport: SCREENS.wide, colorScheme: "light", ...options });
		const tab = new Tab();
		tab.context = context;
		tab.origin = origin;
		tab.requests = [];
		tab.faults = [];
		await context.exposeBinding("tellViolation", (_, words) => tab.faults.push(`policy: ${words}`));
		await context.addInitScript(() => {
			document.addEventListener("securitypolicyviolation", (event) =>
				globalThis.tellViolation(`${event.violatedDirective} ${event.blockedURI}`),
			);
		});
		context.on("request", (request) => tab.requests.push(request));
		context.on("console", (message) => {
			if (message.type() === "error" || message.type() === "warning") {
				tab.faults.push(`console: ${message.text()} (${message.location().url})`);
			}
		});
		context.on("weberror", (error) => tab.faults.push(`uncaught: ${error.error().message}`));
		tab.page = await context.newPage();
		return tab;
	}

	/** Goes to a place of the dashboard, and waits until what it shows is there. */
	async visit(hash = "") {
		await this.page.goto(`${this.origin}/ui/${hash}`);
		await this.settle();
	}

	/** Waits until nothing is on its way any more. */
	async settle() {
		await this.page.locator("main").waitFor();
		await this.page.locator(".loading").first().waitFor({ state: "detached" });
	}

	async signIn(token) {
		await this.page.getByLabel("Token", { exact: true }).fill(token);
		await this.page.getByRole("button", { name: "Sign in" }).click();
		await this.page.getByRole("navigation", { name: "Pages" }).waitFor();
		await this.settle();
	}

	/** Switches the theme the way people do. */
	async useTheme(theme) {
		const button = this.page.getByRole("button", { name: `Use the ${theme} theme` });
		if (await button.isVisible()) await button.click();
		assert.equal(await this.page.locator("html").getAttribute("data-theme"), theme);
	}

	/** What axe has to say against the page. */
	async violations() {
		await this.page.evaluate(AXE);
		const { violations } = await this.page.evaluate(() =>
			globalThis.axe.run(document, {
				runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
				resultTypes: ["violations"],
			}),
		);
		return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`);
	}

	/** Faults that a test provokes: those that match are forgotten, and there has to be one. */
	forgive(pattern) {
		const rest = this.faults.filter((fault) => !pattern.test(fault));
		assert.notEqual(rest.length, this.faults.length, `nothing like ${pattern} in: ${this.faults.join("\n")}`);
		this.faults = rest;
	}

	/** Whether the page scrolls sideways, which no screen should have to. */
	overflows() {
		return this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
	}

	/** Ends the tab, which has asked the engine alone, without a fault. */
	async close() {
		const strange = this.requests.map((request) => request.url()).filter((url) => !url.startsWith(`${this.origin}/`));
		await this.context.close();
		assert.deepEqual(strange, [], "requests that left the engine");
		assert.deepEqual(this.faults, []);
	}
}
