// Bundles the dashboard into `dist/`, or into the directory that is given. The same source makes the
// same bytes: what is checked in can be checked by building it again.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2] ?? `${here}dist`;

/** The bytes of one entry point and what it imports. */
async function bundled(entry) {
	const { outputFiles } = await build({
		absWorkingDir: here,
		entryPoints: [entry],
		bundle: true,
		minify: true,
		write: false,
		format: "iife",
		target: ["chrome109", "firefox115", "safari16.4"],
		charset: "utf8",
		legalComments: "none",
		jsx: "automatic",
		jsxImportSource: "preact",
	});
	return outputFiles[0].contents;
}

/** Writes a file whose name changes with its bytes, so that browsers may keep it. */
async function write(name, extension, bytes) {
	const file = `${name}-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.${extension}`;
	await writeFile(`${out}/${file}`, bytes);
	return file;
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const names = {
	script: await write("dashboard", "js", await bundled("src/main.tsx")),
	style: await write("dashboard", "css", await bundled("src/style/all.css")),
	icon: await write("icon", "svg", await readFile(`${here}src/icon.svg`)),
};
const page = await readFile(`${here}src/index.html`, "utf8");
await writeFile(`${out}/index.html`, page.replace(/\{(\w+)\}/g, (_, name) => names[name]));
