// The dashboard in a real browser, on a real engine with a real app. scripts/test-dashboard runs it.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after } from "node:test";
import { access } from "./access.mjs";
import { Bed } from "./bed.mjs";
import { launch } from "./browser.mjs";
import { furnish, looks } from "./looks.mjs";
import { stories } from "./stories.mjs";

const engine = process.env.RIVET_ENGINE;
if (engine === undefined) throw new Error("RIVET_ENGINE has to name the engine's program");
const pictures = process.env.PICTURES;
if (pictures !== undefined) mkdirSync(pictures, { recursive: true });

const work = mkdtempSync(`${tmpdir()}/rvt-dashboard.`);
const bed = new Bed(engine, work);
await bed.start();
const shared = { bed, pictures, browser: await launch(), ids: await furnish(bed) };
after(async () => {
	await shared.browser.close();
	await bed.end();
	rmSync(work, { recursive: true, force: true });
});

looks(shared);
access(shared);
// The last of them ends the engine.
stories(shared);
