// The page that a person sees. It works without scripts; with them it follows changes as they happen.
import { createHash } from "node:crypto";

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
  form { display: flex; gap: .5rem; margin: 1rem 0; }
  input { flex: 1; font: inherit; padding: .4rem; }
  button { font: inherit; padding: .4rem 1rem; }
  li { margin: .4rem 0; overflow-wrap: anywhere; }`;

const SCRIPT = `
  const changes = new EventSource("changes");
  changes.addEventListener("added", () => location.reload());
  changes.addEventListener("removed", () => location.reload());`;

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src ${hash(STYLE)}`,
  `script-src ${hash(SCRIPT)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]);

export const page = (title, notes, visits) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
<h1>${escape(title)}</h1>
<form method="post" action="notes">
  <input name="text" aria-label="Note" maxlength="1000" required autofocus>
  <button>Add</button>
</form>
<ul>
${notes.map(({ text }) => `  <li>${escape(text)}`).join("\n")}
</ul>
<p>Seen ${visits} times.</p>
<script>${SCRIPT}</script>
</html>
`;
