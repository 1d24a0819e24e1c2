// A JSON value as a tree that opens and closes.

/** How deep a tree is open at first, and how many entries a level may have for it. */
const OPEN_DEPTH = 3;
const OPEN_ENTRIES = 50;

/** How many entries of a level are shown at all. */
const SHOWN = 500;

export function Tree({ value }: { value: unknown }) {
	return (
		<div class="tree">
			<Node value={value} depth={0} />
		</div>
	);
}

function Node({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
	const label = name !== undefined && <span class="tree-name">{name}: </span>;
	if (typeof value !== "object" || value === null) {
		return (
			<div class="tree-leaf">
				{label}
				<Leaf value={value} />
			</div>
		);
	}
	const entries = Object.entries(value);
	const kind = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
	if (entries.length === 0) {
		return (
			<div class="tree-leaf">
				{label}
				<span class="muted">{Array.isArray(value) ? "[]" : "{}"}</span>
			</div>
		);
	}
	return (
		<details open={depth < OPEN_DEPTH && entries.length <= OPEN_ENTRIES}>
			<summary>
				{label}
				<span class="muted">{kind}</span>
			</summary>
			{entries.slice(0, SHOWN).map(([key, child]) => (
				<Node key={key} name={key} value={child} depth={depth + 1} />
			))}
			{entries.length > SHOWN && <div class="tree-leaf muted">{entries.length - SHOWN} more</div>}
		</details>
	);
}

function Leaf({ value }: { value: unknown }) {
	if (value === undefined) return <span class="muted">undefined</span>;
	const kind = value === null ? "null" : typeof value;
	return <span class={`tree-${kind}`}>{JSON.stringify(value)}</span>;
}
