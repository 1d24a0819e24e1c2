// The smallest pieces: times, ids, states, tags.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LifeState } from "../actor/life.ts";
import { exact, relative } from "../words.ts";
import { Icon } from "./icon.tsx";

const watchers = new Set<(now: number) => void>();
setInterval(() => {
	for (const watch of watchers) watch(Date.now());
}, 1000);

/** The time now, to the second; one clock for the whole page. */
export function useNow(): number {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		watchers.add(setNow);
		return () => void watchers.delete(setNow);
	}, []);
	return now;
}

/** A time: how long ago, and exactly when one points at it. */
export function Time({ ts }: { ts: number }) {
	const now = useNow();
	return (
		<time dateTime={new Date(ts).toISOString()} title={exact(ts)}>
			{relative(ts, now)}
		</time>
	);
}

async function copy(text: string): Promise<void> {
	// Browsers offer the clipboard only to pages from `https` or the own host.
	if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
	const field = document.createElement("textarea");
	field.value = text;
	field.className = "off-screen";
	document.body.append(field);
	field.select();
	document.execCommand("copy");
	field.remove();
}

/** An id with a button that copies it. `short`: the id is shown by its beginning. */
export function CopyId({ id, what, short = false }: { id: string; what: string; short?: boolean }) {
	const [isCopied, setCopied] = useState(false);
	const onClick = async (event: Event) => {
		event.stopPropagation();
		await copy(id);
		setCopied(true);
		setTimeout(() => setCopied(false), 1500);
	};
	return (
		<span class="copy-id">
			<code title={id}>{short ? `${id.slice(0, 8)}…` : id}</code>
			<button type="button" class="bare" onClick={onClick} aria-label={isCopied ? "Copied" : `Copy ${what}`} title="Copy">
				<Icon name={isCopied ? "done" : "copy"} />
			</button>
		</span>
	);
}

export const State = ({ of }: { of: LifeState }) => <span class={`state state-${of}`}>{of}</span>;

export const Tag = ({ children }: { children: ComponentChildren }) => <span class="tag">{children}</span>;

/** Names beside values. */
export const Facts = ({ children }: { children: ComponentChildren }) => <dl class="facts">{children}</dl>;
export const Fact = ({ label, children }: { label: string; children: ComponentChildren }) => (
	<div>
		<dt>{label}</dt>
		<dd>{children}</dd>
	</div>
);

/** An actor's key as it is shown: one without a key has none. */
export const Key = ({ of }: { of: string | null }) => (of === null ? <span class="muted">no key</span> : <code>{of}</code>);
